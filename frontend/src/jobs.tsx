/** Jobs of the server, kept for the page: a view that is left and entered again finds its job where it is. */
import { Refused, job } from "./api";
import { titleOf } from "./panels";
import { info, set } from "./state";
import type { JobState } from "./types";
import { number, percent, t } from "./words";

interface Known { state: JobState; end: () => void }
const jobs = new Map<string, Known>();
const isGoing = (s: JobState): boolean => s.state === "running" || s.state === "waiting";

/** Whether the job of that key is on its way. */
export const going = (key: string): boolean => { const at = jobs.get(key); return at !== undefined && isGoing(at.state); };

/** Begin a job under a key; its result is kept by `keep`, and the page drawn again as it goes on. */
export async function begin(key: string, path: string, body: unknown, keep: (result: unknown) => void): Promise<void> {
  const at: Known = { state: { id: "", kind: "", state: "waiting", share: 0, word: "", seconds_left: null, error: null }, end: () => undefined };
  try {
    at.end = await job(path, body, (x) => {
      at.state = x;
      if (x.state === "done") { keep(x.result); jobs.delete(key); } else jobs.set(key, at);
      set({});
    });
  } catch (e) { if (e instanceof Refused) set({ problems: e.problems }); }
}

/** A word of a job: a scenario by its title. */
function told(word: string): string {
  const [first = "", ...rest] = word.split(" ");
  return info.scenarios.some((x) => x.name === first) ? [titleOf(first), ...rest].join(" ") : word;
}

/** How far the job of that key is, with a button that ends it; nothing where there is none. */
export function Progress({ of }: { of: string }) {
  const at = jobs.get(of);
  if (!at) return null;
  const s = at.state, on = isGoing(s);
  return (
    <div class="job" role="status">
      <progress max={1} value={s.share} aria-label={t("job.progress")} />
      <span>{s.state === "running" ? percent(s.share) : t(`job.${s.state}`)} {on && s.seconds_left !== null ? t("job.left", { seconds: number(s.seconds_left, 2) }) : ""} <span class="muted">{on ? told(s.word) : ""}</span></span>
      {on && <button type="button" onClick={() => at.end()}>{t("job.cancel")}</button>}
      {s.state === "failed" && <span class="alarm">{typeof s.error === "string" ? s.error : ""}</span>}
    </div>
  );
}

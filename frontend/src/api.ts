import type { JobState, Problem, Result, Screen, Week } from "./types";

export class Refused extends Error {
  constructor(readonly problems: Problem[]) { super(problems.map((p) => `${p.where}: ${p.found}; ${p.wanted}`).join("\n")); }
}

/** Names this page to the server, so that a newer question of it ends an older one. */
export const session = Array.from(crypto.getRandomValues(new Uint8Array(9)), (b) => b.toString(36)).join("").slice(0, 20);

/** Counts the questions of this page: they go by several connections and may overtake each other. */
let moves = 0;

async function checked(answer: Response): Promise<Response> {
  if (answer.ok) return answer;
  let problems: Problem[] = [{ where: "server", found: String(answer.status), wanted: answer.statusText, hint: "" }];
  try { problems = (await answer.json()).problems ?? problems; } catch { /* no list: the status says it */ }
  throw new Refused(problems);
}

export const post = async (path: string, body: unknown, signal?: AbortSignal): Promise<Response> =>
  checked(await fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body), signal }));

export const get = async <T>(path: string): Promise<T> => (await checked(await fetch(path))).json() as Promise<T>;

/** Simulate a screen; `part` is told the years done so far. Null when a newer question took its place. */
export async function simulate(screen: Screen, who: string, year: number | null, part: (r: Result) => void, signal?: AbortSignal, until: number | null = null): Promise<Result | null> {
  const answer = await post("/api/simulate", { session: session + who, screen, year, until, move: ++moves }, signal);
  const reader = answer.body!.getReader(), text = new TextDecoder();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new Refused([{ where: "server", found: "", wanted: "connection", hint: "" }]);
    rest += text.decode(value, { stream: true });
    for (let at = rest.indexOf("\n"); at >= 0; at = rest.indexOf("\n")) {
      const line = JSON.parse(rest.slice(0, at));
      rest = rest.slice(at + 1);
      if (line.kind === "part") part(line.result);
      else if (line.kind === "done") return line.result;
      else if (line.kind === "superseded") return null;
      else throw new Refused(line.problems ?? [{ where: "model", found: line.message ?? "", wanted: "", hint: "" }]);
    }
  }
}

export const hours = async (screen: Screen, first: string, count: number, signal?: AbortSignal): Promise<Week> =>
  (await post("/api/hours", { session: `${session}-h`, screen, first, hours: count }, signal)).json();

/** Start a job and follow it by server-sent events; gives a way to cancel. */
export async function job(path: string, body: unknown, tell: (s: JobState) => void): Promise<() => void> {
  const state: JobState = await (await post(path, body)).json();
  tell(state);
  const events = new EventSource(`/api/jobs/${state.id}/events`);
  events.onmessage = (e) => {
    const now: JobState = JSON.parse(e.data);
    tell(now);
    if (now.state !== "waiting" && now.state !== "running") events.close();
  };
  events.onerror = () => { events.close(); tell({ ...state, state: "failed", error: null }); };
  return () => void fetch(`/api/jobs/${state.id}`, { method: "DELETE" });
}

/** Save bytes under a name. */
export function save(name: string, data: BlobPart, type: string): void {
  const url = URL.createObjectURL(new Blob([data], { type }));
  const a = Object.assign(document.createElement("a"), { href: url, download: name });
  a.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

import { render } from "preact";
import { useEffect } from "preact/hooks";
import { Refused } from "./api";
import { KeyFigures } from "./figures";
import { Differences, Panel } from "./panels";
import { LANGUAGES, address, begin, canRedo, canUndo, go, info, move, paints, redo, set, settle, state, undo, useStore, views, wear, type Language } from "./state";
import "./style.css";
import type { Problem } from "./types";
import { MapView } from "./views/map";
import { Claims, Compare, Money, Plants, Take, TakeView } from "./views/rest";
import { Room } from "./views/room";
import { NetStart, Span } from "./views/network";
import { Start } from "./views/start";
import { WeekView } from "./views/week";
import { Years } from "./views/years";
import { number, t } from "./words";

const PAGES = { start: Start, years: Years, span: Span, week: WeekView, map: MapView, plants: Plants, money: Money, room: Room, claims: Claims, compare: Compare, take: Take };

function Status() {
  const s = useStore(), r = s.result;
  const text = s.busy ? (r ? info.network ? t("wait") : t("status.busy", { year: String(r.until) }) : t("status.warming")) : r ? info.network ? t("net.status", { hours: number(info.network.hours, 6), seconds: number(r.seconds, 2) }) : t("status.done", { seconds: number(r.seconds, 2), first: String(info.first_year), last: String(info.last_year) }) : "";
  return <p class={`status${s.busy ? " busy" : ""}`} role="status" aria-live="polite" data-busy={s.busy ? "yes" : "no"}>{text}</p>;
}

function Problems({ list, close }: { list: Problem[]; close: { name: string; act: () => void } }) {
  return <div class="problems" role="alert"><h2>{t("problems")}</h2><ul>{list.map((p, i) => <li key={i}><b>{p.where}</b>: {p.found}{p.wanted ? `; ${t("problems.need", { wanted: p.wanted })}` : ""} {p.hint}</li>)}</ul><button type="button" onClick={close.act}>{close.name}</button></div>;
}

function App() {
  const s = useStore();
  const Page = PAGES[s.view];
  useEffect(() => {
    document.title = `${t(`view.${s.view}`)} · gridrush`;
    const key = (e: KeyboardEvent) => {
      if (!(e.ctrlKey || e.metaKey) || (e.target instanceof HTMLInputElement && e.target.type === "text")) return;
      if (e.key === "z" && !e.shiftKey) { e.preventDefault(); undo(); } else if (e.key === "y" || (e.key === "z" && e.shiftKey) || e.key === "Z") { e.preventDefault(); redo(); }
    };
    addEventListener("keydown", key);
    addEventListener("pointerup", settle);
    return () => { removeEventListener("keydown", key); removeEventListener("pointerup", settle); };
  });
  return <>
    <a class="skip" href="#main">{t("skip")}</a>
    <header class="bar">
      <a class="brand" href={address({ view: "start" })} onClick={(e) => { e.preventDefault(); go({ view: "start" }); }}>gridrush</a>
      <nav aria-label={t("nav")}>{views().map((v) => <a key={v} href={address({ view: v })} aria-current={s.view === v ? "page" : undefined} onClick={(e) => { if (e.ctrlKey || e.metaKey) return; e.preventDefault(); go({ view: v }); }}>{t(`view.${v}`)}</a>)}</nav>
      <div class="tools">
        <select aria-label={t("language")} value={s.language} onChange={(e) => go({ language: e.currentTarget.value as Language })}>{Object.entries(LANGUAGES).map(([k, n]) => <option key={k} value={k} lang={k}>{n}</option>)}</select>
        <select aria-label={t("theme")} value={s.theme} onChange={(e) => wear(e.currentTarget.value as typeof s.theme)}><option value="">{t("theme.auto")}</option><option value="light">{t("theme.light")}</option><option value="dark">{t("theme.dark")}</option></select>
      </div>
    </header>
    <div class="layout">
      <main id="main" tabIndex={-1}>
        {s.problems.length > 0 && <Problems list={s.problems} close={{ name: t("close"), act: () => set({ problems: [] }) }} />}
        {s.view !== "start" && <h1 class="hidden">{t(`view.${s.view}`)}</h1>}
        {s.view === "start" && (info.network ? <NetStart /> : <Start />)}
        <div class="now">
          <Differences />
          <div class="row">
            <a class="jump" href="#p-lever">{t("panels")}</a><button type="button" disabled={!canUndo()} onClick={undo}>{t("undo")}</button><button type="button" disabled={!canRedo()} onClick={redo}>{t("redo")}</button>
            <button type="button" disabled={!Object.keys(s.screen.values).length} onClick={() => move({ base: s.screen.base, values: {} })}>{t("reset")}</button>
            <Status />
          </div>
        </div>
        <KeyFigures />
        {s.view !== "start" && <Page />}
        {s.view !== "take" && s.view !== "claims" && s.view !== "room" && <TakeView />}
        <footer><p>{t(info.network ? "net.limits" : "foot.limits")}</p><p lang="en">{info.title} · gridrush {info.version} · {info.digest.slice(0, 8)}</p></footer>
      </main>
      <aside class="panels" aria-label={t("panels")}><Panel which="lever" /><Panel which="assumption" /></aside>
    </div>
  </>;
}

Object.assign(window, { gridrush: { paints, state } });
begin().then(() => { const at = document.getElementById("app")!; at.replaceChildren(); render(<App />, at); }, (e: unknown) => {
  const at = document.getElementById("app")!, problems = e instanceof Refused ? e.problems : [{ where: "server", found: String(e), wanted: "", hint: "" }];
  at.replaceChildren();
  render(<main class="loading"><h1>gridrush</h1><Problems list={problems} close={{ name: t("problems.again"), act: () => location.reload() }} /></main>, at);
});

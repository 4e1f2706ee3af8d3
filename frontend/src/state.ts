import { useLayoutEffect, useState } from "preact/hooks";
import { Refused, get, simulate } from "./api";
import type { CaseInfo, Problem, Result, Screen, Value, Values } from "./types";
import { speak, type Formats } from "./words";

export const VIEWS = ["start", "years", "span", "week", "map", "plants", "money", "room", "claims", "compare", "take"] as const;
/** Views of what was opened: a network has neither years, miners, projects nor claims; a case has years instead of a span. */
export const views = (): View[] => VIEWS.filter((v) => (info.kind === "network" ? !["years", "plants", "money", "claims"].includes(v) : v !== "span"));
export type View = (typeof VIEWS)[number];
export const LANGUAGES = { en: "English", ru: "Русский", kk: "Қазақша", vi: "Tiếng Việt" } as const;
export type Language = keyof typeof LANGUAGES;

export interface State {
  screen: Screen; view: View; language: Language; year: number; week: string; hour: number; beside: Screen[]; theme: "" | "light" | "dark";
  result: Result | null; base: Result | null; levers: Result | null; others: Record<string, Result>;
  busy: boolean; problems: Problem[]; spoken: number;
}

/** The hour of the week the page opens with: Monday evening. */
const EVENING = 19;

export let info: CaseInfo;
export const state: State = {
  screen: { base: "", values: {} }, view: "start", language: "en", year: 2022, week: "2021-10-25", hour: EVENING, beside: [], theme: "",
  result: null, base: null, levers: null, others: {}, busy: true, problems: [], spoken: 0,
};

const watchers = new Set<() => void>();
export function useStore(): State {
  const [, turn] = useState(0);
  useLayoutEffect(() => { // before anything else can happen: an answer that comes before a later effect would be missed
    const w = () => turn((n) => n + 1);
    watchers.add(w);
    return () => void watchers.delete(w);
  }, []);
  return state;
}
export function set(change: Partial<State>): void { Object.assign(state, change); for (const w of watchers) w(); }

export const keyOf = (s: Screen): string => JSON.stringify([s.base, Object.entries(s.values).sort(([a], [b]) => (a < b ? -1 : 1))]);
export const scenario = (name: string) => info.scenarios.find((s) => s.name === name) ?? info.scenarios[0]!;
export const control = (key: string) => info.controls.find((c) => c.key === key);
export const valueOf = (s: Screen, key: string): Value | null => s.values[key] ?? scenario(s.base).defaults[key] ?? null;

// ---- the address ----
const write = (s: Screen): string => [s.base, ...Object.entries(s.values).map(([k, v]) => `${k.replace(/[%~=&]/g, encodeURIComponent).replace(/~/g, "%7E")}=${String(v)}`)].join("~");
const named = (k: string): string => { try { return decodeURIComponent(k); } catch { return k; } };
function read(text: string): Screen {
  const [base = "", ...pairs] = text.split("~");
  const values: Values = {};
  for (const pair of pairs) {
    const at = pair.indexOf("=");
    const c = control(named(pair.slice(0, at))), raw = pair.slice(at + 1);
    if (!c) continue;
    values[c.key] = raw === "true" ? true : raw === "false" ? false : c.kind === "choice" ? raw : Number(raw);
  }
  return { base: info.scenarios.some((s) => s.name === base) ? base : info.default_scenario, values };
}
export function address(change: Partial<State> = {}): string {
  const s = { ...state, ...change };
  const q = new URLSearchParams();
  q.set("s", write(s.screen));
  if (s.view !== "start") q.set("view", s.view);
  if (s.year !== 2022 && info.first_year < info.last_year) q.set("year", String(s.year));
  if (s.view === "week" || s.view === "map") { q.set("week", s.week); if (s.hour !== defaultHour()) q.set("hour", String(s.hour)); }
  for (const b of s.beside) q.append("with", write(b));
  if (s.language !== "en") q.set("lang", s.language);
  return `?${q.toString().replace(/%3D/g, "=").replace(/%3A/g, ":").replace(/%7E/g, "~")}`; // a "%" of a key stands as %25 and is left alone
}
function fromAddress(): Partial<State> {
  const q = new URLSearchParams(location.search);
  const view = q.get("view") as View, language = q.get("lang") as Language;
  const week = q.get("week") ?? "", year = Number(q.get("year") ?? "2022");
  return {
    screen: read(q.get("s") ?? info.default_scenario), view: views().includes(view) ? view : "start",
    language: Object.hasOwn(LANGUAGES, language) ? language : "en",
    year: Number.isInteger(year) && year >= info.first_year && year <= info.last_year ? year : Math.min(Math.max(2022, info.first_year), info.last_year),
    week: /^\d{4}-\d\d-\d\d$/.test(week) && !Number.isNaN(Date.parse(`${week}T00:00Z`)) ? week : defaultWeek(), hour: Math.min(167, Math.max(0, Number(q.get("hour") ?? defaultHour()) || 0)),
    beside: q.getAll("with").slice(0, 3).map(read),
  };
}
/** The hour a week opens with: Monday evening, or the hour of highest load of a network. */
function defaultHour(): number {
  if (!info.network) return EVENING;
  const at = new Date(`${info.network.look}:00Z`);
  return Math.round((at.getTime() - monday(new Date(`${info.network.look.slice(0, 10)}T00:00Z`)).getTime()) / 3.6e6);
}
/** The Monday of the week in which the case's knowledge ends less one month. */
function defaultWeek(): string {
  if (info.network) return monday(new Date(`${info.network.look.slice(0, 10)}T00:00Z`)).toISOString().slice(0, 10);
  const at = new Date(`${info.as_of}T00:00Z`);
  at.setUTCDate(at.getUTCDate() - 35);
  return monday(at).toISOString().slice(0, 10);
}
export function monday(at: Date): Date {
  const d = new Date(at);
  d.setUTCDate(d.getUTCDate() - ((d.getUTCDay() + 6) % 7));
  return d;
}
/** Change what the address says; a drag replaces the entry it made. */
/** Control that is being dragged. */
let dragging = "";
function tell(push: boolean): void {
  const to = address();
  if (to === location.search) return;
  if (push) history.pushState(null, "", to); else history.replaceState(null, "", to);
}
/** Change the view or what it looks at. A slider over years or hours leaves no trail of entries behind. */
export function go(change: Partial<State>): void { set(change); tell(!Object.keys(change).every((k) => k === "year" || k === "hour")); if (change.beside) refreshOthers(); if (change.language) void hear(change.language); }

// ---- undo ----
const past: Screen[] = [], future: Screen[] = [];
export const canUndo = () => past.length > 0, canRedo = () => future.length > 0;
export function move(screen: Screen, drag = ""): void {
  const goesOn = drag !== "" && dragging === drag;
  if (!goesOn) { past.push(state.screen); future.length = 0; if (past.length > 200) past.shift(); }
  set({ screen });
  tell(!goesOn);
  dragging = drag;
  ask();
}
export function settle(): void { dragging = ""; }
/** Set a control; null where the scenario leaves it unset. */
export function change(key: string, value: Value | null, drag = false): void {
  const values = { ...state.screen.values };
  if (value === null || scenario(state.screen.base).defaults[key] === value) delete values[key]; else values[key] = value;
  move({ base: state.screen.base, values }, drag ? key : "");
}
export function undo(): void { const s = past.pop(); if (s) { future.push(state.screen); set({ screen: s }); tell(true); ask(); } }
export function redo(): void { const s = future.pop(); if (s) { past.push(state.screen); set({ screen: s }); tell(true); ask(); } }

// ---- asking the model: the newest screen wins ----
const known = new Map<string, Result>();
function remember(s: Screen, r: Result): void {
  known.set(keyOf(s), r);
  if (known.size > 60) known.delete(known.keys().next().value!);
}
let wanted = 0, running: { cut: AbortController; painted: boolean } | null = null;
export const paints: number[] = [];
let askedAt = 0;
export let firstPaint: (() => void) | null = null;
export function onPaint(f: () => void): void { firstPaint = f; }

export function ask(): void {
  askedAt = performance.now();
  wanted++;
  const have = known.get(keyOf(state.screen));
  if (have) { running?.cut.abort(); show(have, true); return; }
  set({ busy: true });
  if (running) { if (running.painted) running.cut.abort(); return; }
  void run();
}
async function run(): Promise<void> {
  for (;;) {
    const mine = wanted, screen = state.screen;
    if (known.has(keyOf(screen))) { show(known.get(keyOf(screen))!, true); return; }
    running = { cut: new AbortController(), painted: false };
    const here = running;
    try {
      const done = await simulate(screen, "", state.year, (part) => {
        here.painted = true;
        set({ result: over(part, state.result) });
        painted();
        if (mine !== wanted) here.cut.abort();
      }, here.cut.signal);
      if (done) { remember(screen, done); if (mine === wanted) { running = null; show(done, true); return; } }
    } catch (e) {
      if (!(e instanceof DOMException && e.name === "AbortError") && mine === wanted) {
        running = null;
        set({ busy: false, problems: e instanceof Refused ? e.problems : [{ where: "server", found: String(e), wanted: "", hint: "" }] });
        return;
      }
    }
    running = null;
    if (mine === wanted && !state.busy) return;
    if (known.has(keyOf(state.screen))) { show(known.get(keyOf(state.screen))!, true); return; }
  }
}
function painted(): void {
  const from = askedAt;
  if (!from) return;
  askedAt = 0;
  requestAnimationFrame(() => setTimeout(() => { paints.push(performance.now() - from); if (paints.length > 500) paints.shift(); }));
}
/** A part over the whole that was shown before it: later years stay until they are known. */
function over(part: Result, old: Result | null): Result {
  if (!old || old.years.length <= part.years.length) return part;
  const n = part.years.length, join = <T>(a: T[], b: T[], k: number): T[] => [...a, ...b.slice(k)];
  const named = (a: Record<string, (number | null)[]>, b: Record<string, (number | null)[]>, k: number) =>
    Object.fromEntries(Object.entries(a).map(([key, v]) => [key, join(v, b[key] ?? [], k)]));
  const nested = (a: Result["zones"], b: Result["zones"], k: number) => Object.fromEntries(Object.entries(a).map(([key, v]) => [key, named(v, b[key] ?? {}, k)]));
  return {
    ...part, years: old.years, months: old.months, annual: named(part.annual, old.annual, n), zones: nested(part.zones, old.zones, n),
    generation_twh: named(part.generation_twh, old.generation_twh, n), monthly: named(part.monthly, old.monthly, 12 * n),
    monthly_zones: nested(part.monthly_zones, old.monthly_zones, 12 * n), ledger: named(part.ledger, old.ledger, n),
    balances: named(part.balances, old.balances, n), system_cost_usd: join(part.system_cost_usd, old.system_cost_usd, n),
  };
}
function show(r: Result, last: boolean): void {
  set({ result: r, busy: !last, problems: [] });
  painted();
  void beside();
}

/** Runs shown next to the main one: the base, the base with the levers alone, and the compared ones. */
let besideTurn = 0;
async function beside(): Promise<void> {
  const turn = ++besideTurn, s = state.screen;
  const base: Screen = { base: s.base, values: {} };
  const levers: Screen = { base: s.base, values: Object.fromEntries(Object.entries(s.values).filter(([k]) => control(k)?.panel === "lever")) };
  const list: [Screen, (r: Result) => void][] = [[base, (r) => set({ base: r })], [levers, (r) => set({ levers: r })],
    ...state.beside.map((b): [Screen, (r: Result) => void] => [b, (r) => set({ others: { ...state.others, [keyOf(b)]: r } })])];
  for (const [screen, put] of list) {
    const have = known.get(keyOf(screen));
    if (have) { put(have); continue; }
    try {
      const r = await simulate(screen, "-b", null, () => undefined);
      if (turn !== besideTurn) { if (r) remember(screen, r); return; }
      if (r) { remember(screen, r); put(r); }
    } catch { return; }
  }
}
export function refreshOthers(): void { void beside(); }

/** Stories simulated up to a year only, one after the other while nothing else is asked. */
const looks = new Map<string, Result>();
let looking = false;
export const asked = (name: string, until: number): Result | undefined => looks.get(`${name} ${until}`);
export async function outlook(names: string[], until: number): Promise<void> {
  if (looking) return;
  looking = true;
  try {
    for (const name of names) {
      if (asked(name, until) || state.busy) continue;
      const r = await simulate({ base: name, values: {} }, "-o", null, () => undefined, undefined, until);
      if (r) { looks.set(`${name} ${until}`, r); set({}); }
    }
  } catch { /* the table keeps its dots */ } finally { looking = false; }
}

// ---- start ----
async function hear(language: Language): Promise<void> {
  speak(await get<{ texts: Record<string, string>; formats: Formats }>(`/api/words/${language}`));
  document.documentElement.lang = language;
  set({ spoken: state.spoken + 1 });
}
export function wear(theme: State["theme"]): void {
  if (theme) document.documentElement.dataset["theme"] = theme; else delete document.documentElement.dataset["theme"];
  try { localStorage.setItem("gridrush-theme", theme); } catch { /* private window */ }
  set({ theme });
}
export async function begin(): Promise<void> {
  const language = new URLSearchParams(location.search).get("lang") ?? "en";
  const speaking = hear((language in LANGUAGES ? language : "en") as Language), told = get<CaseInfo>("/api/case");
  told.catch(() => undefined);
  await speaking;
  info = await told;
  let theme: State["theme"] = "";
  try { theme = (localStorage.getItem("gridrush-theme") ?? "") as State["theme"]; } catch { /* private window */ }
  wear(theme === "light" || theme === "dark" ? theme : "");
  set(fromAddress());
  addEventListener("popstate", () => {
    const was = keyOf(state.screen), spoke = state.language;
    set(fromAddress());
    if (state.language !== spoke) void hear(state.language);
    if (keyOf(state.screen) !== was) ask(); else refreshOthers();
  });
  ask();
}

/** Texts and formats of the chosen language; nothing is left to the browser, which may lack it. */
export interface Formats { group: string; decimal: string; minus: string; percent: string; months: string[]; months_short: string[]; days_short: string[]; day: string; month: string; plural: "en" | "ru" | "none" }

let texts: Record<string, string> = {};
let f: Formats = { group: "\u202f", decimal: ".", minus: "−", percent: "{n}%", months: [], months_short: [], days_short: [], day: "{d} {m} {y}", month: "{m} {y}", plural: "en" };

export function speak(words: { texts: Record<string, string>; formats: Formats }): void { texts = words.texts; f = words.formats; }

export const has = (key: string): boolean => key in texts;

/** Text of a key, with {name} filled in; a number `n` chooses among .one .few .many .other. */
export function t(key: string, given: Record<string, string | number> = {}): string {
  const n = given["n"];
  const found = typeof n === "number" ? texts[`${key}.${plural(n)}`] ?? texts[`${key}.other`] ?? texts[key] : texts[key];
  if (found === undefined) return key;
  return found.replace(/\{(\w+)\}/g, (_, name: string) => { const v = given[name]; return v === undefined ? `{${name}}` : typeof v === "number" ? number(v) : v; });
}

function plural(n: number): string {
  if (f.plural === "none") return "other";
  const whole = Math.abs(n) % 1 === 0, a = Math.abs(n) % 10, b = Math.abs(n) % 100;
  if (f.plural === "en") return n === 1 ? "one" : "other";
  if (!whole) return "other";
  return a === 1 && b !== 11 ? "one" : a >= 2 && a <= 4 && (b < 12 || b > 14) ? "few" : "many";
}

/** A number to some significant figures, whole from 1 000 on; n/a for none. */
export function number(x: number | null | undefined, digits = 3): string {
  if (x === null || x === undefined || !Number.isFinite(x)) return t("none");
  if (x === 0) return "0";
  const places = Math.min(6, Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(x)))));
  let s = Math.abs(Math.abs(x) >= 1000 ? Math.round(x) : Number(x.toPrecision(digits))).toFixed(places);
  if (s.includes(".")) s = s.replace(/\.?0+$/, "");
  const [whole = "0", part] = s.split(".");
  const grouped = whole.length > 3 ? whole.replace(/\B(?=(\d{3})+$)/g, f.group) : whole;
  return (x < 0 && Number(s) !== 0 ? f.minus : "") + grouped + (part ? f.decimal + part : "");
}

export const percent = (share: number | null | undefined, digits = 2): string =>
  share === null || share === undefined ? t("none") : f.percent.replace("{n}", number(100 * share, digits));

/** A number with the unit as people read it: shares in percent, large money in M or bn. */
export function quantity(x: number | null | undefined, unit: string, digits = 3): string {
  if (x === null || x === undefined || !Number.isFinite(x)) return t("none");
  if (unit === "year") return String(Math.round(x));
  if (unit === "share") return percent(x);
  if (unit === "share/yr" || unit === "share/month") return `${percent(x)} ${t(`unit.${unit}`)}`;
  if (unit === "USD") {
    const a = Math.abs(x);
    if (a >= 1e9) return `${number(x / 1e9, digits)}\u202f${t("unit.bnUSD")}`;
    return `${number(x / 1e6, digits)}\u202f${t("unit.MUSD")}`;
  }
  if (unit === "1" || unit === "") return number(x, digits);
  return `${number(x, digits)}\u202f${unitName(unit)}`;
}

/** A unit's sign in the language: MW or МВт. */
export const unitName = (unit: string): string => (has(`unit.${unit}`) ? t(`unit.${unit}`) : unit);

export const signed = (x: number, unit: string): string => (x > 0 ? "+" : "") + quantity(x, unit);

export const range = (low: number | null | undefined, high: number | null | undefined, unit: string): string =>
  low === null || low === undefined || high === null || high === undefined ? "" : `${number(low)}–${quantity(high, unit)}`;

export const day = (y: number, m: number, d: number): string =>
  f.day.replace("{d}", String(d)).replace("{m}", f.months[m - 1] ?? "").replace("{y}", String(y));
export const shortDay = (at: Date): string => `${at.getUTCDate()} ${f.months_short[at.getUTCMonth()] ?? ""}`;
export const weekday = (at: Date): string => f.days_short[at.getUTCDay()] ?? "";
export const month = (stamp: string): string =>
  f.month.replace("{m}", f.months[Number(stamp.slice(5, 7)) - 1] ?? "").replace("{y}", stamp.slice(0, 4));

/** The year something serves in; the last days of December are the next year. */
export const year = (x: number): string => String(Math.floor(x + 0.02));

/** What the server tells; see src/gridrush/web/payload.py and about.py. */
export type Value = boolean | number | string;
export type Values = Record<string, Value>;
export interface Screen { base: string; values: Values }
export type Series = (number | null)[];
export type Named = Record<string, Series>;

export interface Evidence { value?: number; unit?: string; low?: number; high?: number; source?: string; grade?: string; note?: string; who?: string; on?: string; quantity?: string; item?: string; partner?: string; capacity_mw?: number; price_usd_per_mwh?: number; planned?: string; slip_years?: number; capex_usd_per_mw?: number; status?: string }
export interface Control { key: string; panel: "lever" | "assumption"; group: string; kind: "range" | "choice" | "switch" | "project"; unit: string; low: number | null; high: number | null; step: number | null; choices: string[]; title: string; zone: string; zone_to: string; capacity_mw: number | null; evidence: Evidence[] }
export interface ScenarioInfo { name: string; title: string; story: string; defaults: Record<string, Value | null> }
export interface CaseInfo {
  version: string; name: string; title: string; summary: string; first_year: number; last_year: number; as_of: string; decided: string;
  currency: string; digest: string; default_scenario: string; zones: { name: string; title: string; lat: number | null; lon: number | null }[];
  controls: Control[]; scenarios: ScenarioInfo[]; sources: Record<string, { title: string; date: string; address: string; licence: string }>;
  events: { on: string; event: string; zone: string; mw: number | null; source: string }[];
  plants: { plant: string; zone: string; technology: string; lat: number; lon: number; mw: number; fuel: string }[];
  projects: Record<string, { serves: [number, number, number]; technology: string; line: boolean }>;
  map: GeoJSON.FeatureCollection | null;
  metered: boolean; hours_note: string; kind?: "network"; network?: NetworkInfo;
}
/** What a PyPSA network is made of; see network_payload.py. */
export interface NetworkInfo {
  first: string; last: string; hours: number; units: number; links: number; stores: number; reservoirs: number; peak_mw: number; installed_mw: number;
  storage_mw: number; storage_mwh: number; value_usd_per_mwh: number; dropped: string[]; engine: string; by_day: boolean; co2: boolean; fails: boolean;
  geographic: boolean; look: string; technologies: { name: string; title: string; colour: string }[];
  stories: { name: string; values: Values; zone?: string; mw?: number; hours?: number; technology?: string; link?: string }[];
}
export interface NetworkResult {
  technologies: Table & { technology: string[] }; links: Table & { link: string[]; from: string[]; to: string[] }; duration: Named;
  generation_mw: Named; look: string;
}
export type Table = Record<string, (number | string | null)[]>;
export interface Project { project: string; technology: string; zone: string; zone_to: string; capacity_mw: number; low: number; best: number; high: number }
export interface Result {
  scenario: string; title: string; until: number; years: number[]; annual: Named; zones: Record<string, Named>; generation_twh: Named;
  months: string[]; monthly: Named; monthly_zones: Record<string, Named>; ledger: Named; balances: Named; system_cost_usd: Series;
  projects: Project[]; lines: { line: string; payer: string; payee: string; title: string }[]; seconds: number; network?: NetworkResult;
}
export interface Week {
  time: number[]; utc_offset_h: number; national: Named; generation_mw: Named;
  zones: Record<string, Record<string, Series>>; links: { link: string; from: string; to: string; forward_mw: number; backward_mw: number; flow_mw: Series; forward_each_mw?: number[]; backward_each_mw?: number[] }[];
}
export interface Problem { where: string; found: string; wanted: string; hint: string }
export interface JobState { id: string; kind: string; state: string; share: number; word: string; seconds_left: number | null; error: unknown; result?: unknown }
export interface Risk { years: number[]; zones: Record<string, Named> }

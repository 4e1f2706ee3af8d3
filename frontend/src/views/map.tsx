/** Zones, what the links carry of their limit in an hour, and plants and miners where there are some. */
import { geoConicConformal, geoIdentity, geoMercator, geoPath, type GeoProjection, type GeoIdentityTransform } from "d3-geo";
import { Figure, useWidth } from "../chart";
import { zoneName } from "../panels";
import { go, info, useStore } from "../state";
import { number, percent, quantity, t, unitName } from "../words";
import { WeekPicker, hourLabel, limitOf, localTimes, useWeek } from "./week";
import { FUELS } from "./years";

type Spot = [number, number];
/** Places of zones: as the case or file has them, else on a circle. */
function places(): { at: Spot[]; geographic: boolean } {
  const known = info.zones.every((z) => z.lon !== null && z.lat !== null);
  if (known) return { at: info.zones.map((z): Spot => [z.lon!, z.lat!]), geographic: !info.network || info.network.geographic };
  const n = info.zones.length;
  return { at: info.zones.map((_, i): Spot => [Math.cos((2 * Math.PI * i) / n + 2), Math.sin((2 * Math.PI * i) / n + 2)]), geographic: false };
}
const MANY = 16;

export function MapView() {
  const s = useStore(), w = useWeek(), net = info.network;
  const [ref, width] = useWidth<HTMLDivElement>();
  const height = Math.round(Math.min(560, width * (width < 500 ? 0.9 : 0.62)));
  const zones = info.zones, { at, geographic } = places();
  const lon = at.reduce((a, z) => a + z[0], 0) / at.length;
  const side = net ? Math.min(90, width * 0.17) : 12, fit: [Spot, Spot] = [[side, net ? 40 : 18], [width - side, height - (net ? 74 : 18)]];
  const dots: GeoJSON.MultiPoint = { type: "MultiPoint", coordinates: at };
  const projection: GeoProjection | GeoIdentityTransform = info.map ? geoConicConformal().rotate([-lon, 0]).parallels([43, 53]).fitExtent(fit, wound(info.map))
    : at.length < 2 ? geoIdentity().translate([width / 2 - at[0]![0], height / 2 - at[0]![1]]) : geographic ? geoMercator().rotate([-lon, 0]).fitExtent(fit, dots) : geoIdentity().reflectY(true).fitExtent(fit, dots);
  const path = geoPath(projection);
  const spots = new Map(zones.map((z, i): [string, Spot] => [z.name, projection(at[i]!) ?? [0, 0]]));
  const h = Math.max(0, Math.min(s.hour, w?.time.length ? w.time.length - 1 : 167)), times = w ? localTimes(w) : [];
  const num = (z: string, k: string): number => w?.zones[z]?.[k]?.[h] ?? 0;
  const load = (z: string): number => num(z, "load_mw") + num(z, "registered_mw");
  const named = zones.length <= MANY ? null : new Set([...zones].sort((a, b) => load(b.name) - load(a.name)).slice(0, MANY).map((z) => z.name));
  const size = Math.max(1, ...zones.map((z) => load(z.name)));
  const heads = net ? ["wanted", "made", "new", "netcut", "unserved", "curtailed"] : ["wanted", "made", "registered", "unregistered", "cut", "unserved", "abroad"];
  const rows: (string | number | null)[][] = zones.map((z) => net
    ? [zoneName(z.name), load(z.name), ...["generation_mw", "new_load_mw", "cut_mw", "unserved_mw", "curtailed_mw", "price_usd_per_mwh"].map((k) => num(z.name, k))]
    : [zoneName(z.name), load(z.name), num(z.name, "generation_mw"), num(z.name, "registered_mw"), num(z.name, "unregistered_mw"), num(z.name, "interrupted_mw"), num(z.name, "unserved_mw"), num(z.name, "import_mw") - num(z.name, "export_mw")]);
  const blank = new Array<null>(6).fill(null);
  const links = (w?.links ?? []).map((k) => ({ ...k, f: k.flow_mw[h] ?? 0 }));
  const joined = [...new Set(links.map((k) => [k.from, k.to].sort().join("|")))].map((pair) => {
    const of = links.filter((k) => [k.from, k.to].sort().join("|") === pair), a = of[0]!;
    const f = of.reduce((x, k) => x + (k.from === a.from ? k.f : -k.f), 0), limit = of.reduce((x, k) => x + limitOf(k, (k.from === a.from) === f >= 0 ? 1 : -1, h), 0);
    return { from: f >= 0 ? a.from : a.to, to: f >= 0 ? a.to : a.from, f: Math.abs(f), used: Math.abs(f) / Math.max(1, limit), limit };
  });
  const crowded = joined.length > 2 * MANY;
  return (
    <div class="charts one">
      <WeekPicker />
      <label class="wide-range">{t("map.hour")} <output>{times[h] ? hourLabel(times[h]!) : "…"}</output>
        <input type="range" min={0} max={Math.max(0, (w?.time.length || 168) - 1)} value={h} aria-valuetext={times[h] ? hourLabel(times[h]!) : ""} onInput={(e) => go({ hour: Number(e.currentTarget.value) })} /></label>
      <Figure name="map" title={t("map.title", { time: times[h] ? hourLabel(times[h]!) : "…" })} caption={t(net ? "net.map.caption" : "map.caption")} source={net ? (net.geographic ? t("net.map.source") : t("net.map.circle")) : t("map.source")}
        heads={[t("map.zone"), ...heads.map((x) => `${t(`map.${x}`)} [${unitName("MW")}]`), ...(net ? [`${t("net.zone.price_usd_per_mwh")} [${unitName("USD/MWh")}]`] : [])]} rows={[...rows, ...joined.map((k): (string | number | null)[] => [`${zoneName(k.from)} → ${zoneName(k.to)}`, k.f, ...blank])]}>
        <div class="plot" ref={ref}>
          <svg viewBox={`0 0 ${width} ${height}`} width={width} height={height} role="img" aria-label={`${t("map.title", { time: times[h] ? hourLabel(times[h]!) : "" })}. ${joined.map((k) => `${zoneName(k.from)} → ${zoneName(k.to)} ${quantity(k.f, "MW")}, ${percent(k.used)}`).join("; ")}`}>
            {info.map?.features.map((f, i) => { const z = zones.findIndex((x) => x.name === f.properties?.["zone"]); return <path key={i} class="land" d={path(wound(f)) ?? ""} fill={`var(--zone${z >= 0 ? z % 4 : 3})`} />; })}
            {info.plants.map((p, i) => { const at = projection([p.lon, p.lat]); return at && <circle key={i} class="plant" cx={at[0]} cy={at[1]} r={Math.max(2, Math.sqrt(p.mw) / (width < 500 ? 8 : 5))} fill={FUELS[p.fuel === "uranium" ? "nuclear" : p.fuel] ?? "var(--other)"}><title>{`${p.plant}: ${quantity(p.mw, "MW")}`}</title></circle>; })}
            {joined.map((k) => {
              const [x1, y1] = spots.get(k.from)!, [x2, y2] = spots.get(k.to)!, d = Math.hypot(x2 - x1, y2 - y1) || 1, ux = (x2 - x1) / d, uy = (y2 - y1) / d, gap = Math.min(d * 0.3, named ? 10 : 26);
              const thin = crowded ? 0.5 : 1, a: Spot = [x1 + ux * gap, y1 + uy * gap], b: Spot = [x2 - ux * gap * 1.3, y2 - uy * gap * 1.3], wide = (3 + 9 * Math.min(1, k.used)) * thin, tone = k.used > 0.97 ? "var(--alarm)" : "var(--flow)", tip = Math.min(16 * thin, gap);
              return <g key={k.from + k.to}>
                <line x1={a[0]} y1={a[1]} x2={b[0]} y2={b[1]} class="halo-line" stroke-width={wide + 4 * thin} /><line x1={a[0]} y1={a[1]} x2={b[0]} y2={b[1]} stroke={tone} stroke-width={wide}><title>{`${zoneName(k.from)} → ${zoneName(k.to)}: ${quantity(k.f, "MW")}, ${percent(k.used)}`}</title></line>
                {k.f > 0 && <polygon points={`${b[0] + ux * tip},${b[1] + uy * tip} ${b[0] - uy * (wide + 3 * thin)},${b[1] + ux * (wide + 3 * thin)} ${b[0] + uy * (wide + 3 * thin)},${b[1] - ux * (wide + 3 * thin)}`} fill={tone} />}
                {!crowded && <text class="halo strong" x={(a[0] + b[0]) / 2 + (net ? 0 : 12)} y={(a[1] + b[1]) / 2 + 4} text-anchor={net ? "middle" : "start"}>{width < 500 || net ? percent(k.used) : `${quantity(k.f, "MW")}, ${percent(k.used)}`}</text>}
              </g>;
            })}
            {net && zones.map((z) => { const [x, y] = spots.get(z.name)!, short = num(z.name, "unserved_mw") > 0.5; return <circle key={z.name} class={short ? "node short" : "node"} cx={x} cy={y} r={5 + Math.sqrt(load(z.name) / size) * (named ? 10 : 20)}><title>{`${zoneName(z.name)}: ${quantity(load(z.name), "MW")}`}</title></circle>; })}
            {zones.filter((z) => !named || named.has(z.name)).map((z) => { const [x, y] = spots.get(z.name)!, m = num(z.name, "registered_mw") + num(z.name, "unregistered_mw"); return net ? (
              <g key={z.name}><text class={named ? "halo strong" : "zone halo"} x={x} y={y - (named ? 8 : 22)} text-anchor="middle">{zoneName(z.name)}</text>
                {!named && <text class="halo" x={x} y={y + 35} text-anchor="middle">{w ? quantity(load(z.name), "MW") : "…"}</text>}
                {w && !named && <text class="halo muted" x={x} y={y + 49} text-anchor="middle">{quantity(num(z.name, "price_usd_per_mwh"), width < 500 ? "1" : "USD/MWh")}</text>}
                {!named && num(z.name, "unserved_mw") > 0.5 && <text class="halo strong alarm" x={x} y={y + 63} text-anchor="middle">{`−${quantity(num(z.name, "unserved_mw"), "MW")}`}</text>}</g>) : (
              <g key={z.name}><circle cx={x} cy={y} r={Math.sqrt(m) * 0.55} class="minerdot" />
                <text class="zone halo" x={x} y={y - 10} text-anchor="middle">{zoneName(z.name)}</text>
                <text class="halo" x={x} y={y + 8} text-anchor="middle">{w ? quantity(load(z.name), "MW") : "…"}</text>
                {w && <text class="halo miner" x={x} y={y + 24} text-anchor="middle">{t("map.miners", { mw: number(m) })}</text>}</g>); })}
          </svg>
        </div>
        {!net && <ul class="legend">{["coal", "gas", "hydro", "wind", "solar"].map((f) => <li key={f}><span class="key dot" style={{ "--c": FUELS[f]! }} />{t(`fuel.${f}`)}</li>)}<li><span class="key dot" style={{ "--c": "var(--miners)" }} />{t("key.miners")}</li></ul>}
      </Figure>
    </div>
  );
}
/** Rings as d3 wants them: the outer one clockwise on the sphere. */
function wound<T extends GeoJSON.GeoJSON>(g: T): T {
  const area = (ring: number[][]) => ring.reduce((sum, p, i) => { const q = ring[(i + 1) % ring.length]!; return sum + (q[0]! - p[0]!) * (q[1]! + p[1]!); }, 0);
  const turn = (rings: number[][][]) => rings.map((r, i) => (area(r) > 0 === (i === 0) ? r : [...r].reverse()));
  const one = (x: GeoJSON.Geometry): GeoJSON.Geometry => x.type === "Polygon" ? { ...x, coordinates: turn(x.coordinates) } : x.type === "MultiPolygon" ? { ...x, coordinates: x.coordinates.map(turn) } : x;
  if (g.type === "FeatureCollection") return { ...g, features: g.features.map((f) => ({ ...f, geometry: one(f.geometry) })) };
  if (g.type === "Feature") return { ...g, geometry: one(g.geometry) };
  return g;
}

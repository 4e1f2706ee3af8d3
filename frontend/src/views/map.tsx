/** Zones with plants, what the links carry of their limit in an hour, and miners by zone. */
import { geoConicConformal, geoMercator, geoPath } from "d3-geo";
import { Figure, useWidth } from "../chart";
import { zoneName } from "../panels";
import { go, info, useStore } from "../state";
import { number, percent, quantity, t, unitName } from "../words";
import { WeekPicker, hourLabel, localTimes, useWeek } from "./week";
import { FUELS } from "./years";

export function MapView() {
  const s = useStore(), w = useWeek();
  const [ref, width] = useWidth<HTMLDivElement>();
  const height = Math.round(Math.min(560, width * 0.62));
  const zones = info.zones;
  const land: GeoJSON.GeoJSON = info.map ?? { type: "MultiPoint", coordinates: zones.map((z) => [z.lon, z.lat]) };
  const lon = zones.reduce((a, z) => a + z.lon, 0) / zones.length;
  const fit: [[number, number], [number, number]] = [[12, 18], [width - 12, height - 18]];
  const projection = info.map ? geoConicConformal().rotate([-lon, 0]).parallels([43, 53]).fitExtent(fit, wound(info.map)) : geoMercator().fitExtent(fit, land as GeoJSON.MultiPoint);
  const path = geoPath(projection);
  const spot = (z: string): [number, number] => { const at = zones.find((x) => x.name === z)!; return projection([at.lon, at.lat]) ?? [0, 0]; };
  const h = Math.min(s.hour, 167), times = w ? localTimes(w) : [];
  const num = (z: string, k: string): number => w?.zones[z]?.[k]?.[h] ?? 0;
  const rows: (string | number | null)[][] = zones.map((z) => [zoneName(z.name), num(z.name, "load_mw") + num(z.name, "registered_mw"), num(z.name, "generation_mw"), num(z.name, "registered_mw"), num(z.name, "unregistered_mw"), num(z.name, "interrupted_mw"), num(z.name, "unserved_mw"), num(z.name, "import_mw") - num(z.name, "export_mw")]);
  const links = (w?.links ?? []).map((k) => { const f = k.flow_mw[h] ?? 0; return { ...k, f, used: Math.abs(f) / Math.max(1, f >= 0 ? k.forward_mw : k.backward_mw) }; });
  const joined = [...new Set(links.map((k) => [k.from, k.to].sort().join("|")))].map((pair) => {
    const of = links.filter((k) => [k.from, k.to].sort().join("|") === pair), a = of[0]!;
    const f = of.reduce((x, k) => x + (k.from === a.from ? k.f : -k.f), 0), limit = of.reduce((x, k) => x + ((k.from === a.from) === f >= 0 ? k.forward_mw : k.backward_mw), 0);
    return { from: f >= 0 ? a.from : a.to, to: f >= 0 ? a.to : a.from, f: Math.abs(f), used: Math.abs(f) / Math.max(1, limit), limit };
  });
  return (
    <div class="charts one">
      <WeekPicker />
      <label class="wide-range">{t("map.hour")} <output>{times[h] ? hourLabel(times[h]!) : "…"}</output>
        <input type="range" min={0} max={167} value={h} aria-valuetext={times[h] ? hourLabel(times[h]!) : ""} onInput={(e) => go({ hour: Number(e.currentTarget.value) })} /></label>
      <Figure name="map" title={t("map.title", { time: times[h] ? hourLabel(times[h]!) : "…" })} caption={t("map.caption")} source={t("map.source")}
        heads={[t("map.zone"), ...["wanted", "made", "registered", "unregistered", "cut", "unserved", "abroad"].map((x) => `${t(`map.${x}`)} [${unitName("MW")}]`)]} rows={[...rows, ...joined.map((k): (string | number | null)[] => [`${zoneName(k.from)} → ${zoneName(k.to)}`, k.f, null, null, null, null, null, null])]}>
        <div class="plot" ref={ref}>
          <svg viewBox={`0 0 ${width} ${height}`} width={width} height={height} role="img" aria-label={`${t("map.title", { time: times[h] ? hourLabel(times[h]!) : "" })}. ${joined.map((k) => `${zoneName(k.from)} → ${zoneName(k.to)} ${quantity(k.f, "MW")}, ${percent(k.used)}`).join("; ")}`}>
            {info.map?.features.map((f, i) => { const z = zones.findIndex((x) => x.name === f.properties?.["zone"]); return <path key={i} class="land" d={path(wound(f)) ?? ""} fill={`var(--zone${z >= 0 ? z % 4 : 3})`} />; })}
            {info.plants.map((p, i) => { const at = projection([p.lon, p.lat]); return at && <circle key={i} class="plant" cx={at[0]} cy={at[1]} r={Math.max(2, Math.sqrt(p.mw) / (width < 500 ? 8 : 5))} fill={FUELS[p.fuel === "uranium" ? "nuclear" : p.fuel] ?? "var(--other)"}><title>{`${p.plant}: ${quantity(p.mw, "MW")}`}</title></circle>; })}
            {joined.map((k) => {
              const [x1, y1] = spot(k.from), [x2, y2] = spot(k.to), d = Math.hypot(x2 - x1, y2 - y1) || 1, ux = (x2 - x1) / d, uy = (y2 - y1) / d;
              const a: [number, number] = [x1 + ux * 26, y1 + uy * 26], b: [number, number] = [x2 - ux * 34, y2 - uy * 34], wide = 3 + 9 * Math.min(1, k.used), tone = k.used > 0.97 ? "var(--alarm)" : "var(--flow)";
              return <g key={k.from + k.to}>
                <line x1={a[0]} y1={a[1]} x2={b[0]} y2={b[1]} class="halo-line" stroke-width={wide + 4} /><line x1={a[0]} y1={a[1]} x2={b[0]} y2={b[1]} stroke={tone} stroke-width={wide} />
                <polygon points={`${b[0] + ux * 16},${b[1] + uy * 16} ${b[0] - uy * (wide + 3)},${b[1] + ux * (wide + 3)} ${b[0] + uy * (wide + 3)},${b[1] - ux * (wide + 3)}`} fill={tone} />
                <text class="halo strong" x={(a[0] + b[0]) / 2 + 12} y={(a[1] + b[1]) / 2 + 4}>{width < 500 ? percent(k.used) : `${quantity(k.f, "MW")}, ${percent(k.used)}`}</text>
              </g>;
            })}
            {zones.map((z) => { const [x, y] = spot(z.name), m = num(z.name, "registered_mw") + num(z.name, "unregistered_mw"); return (
              <g key={z.name}><circle cx={x} cy={y} r={Math.sqrt(m) * 0.55} class="minerdot" />
                <text class="zone halo" x={x} y={y - 10} text-anchor="middle">{zoneName(z.name)}</text>
                <text class="halo" x={x} y={y + 8} text-anchor="middle">{quantity(num(z.name, "load_mw") + num(z.name, "registered_mw"), "MW")}</text>
                <text class="halo miner" x={x} y={y + 24} text-anchor="middle">{t("map.miners", { mw: number(m) })}</text></g>); })}
          </svg>
        </div>
        <ul class="legend">{["coal", "gas", "hydro", "wind", "solar"].map((f) => <li key={f}><span class="key dot" style={{ "--c": FUELS[f]! }} />{t(`fuel.${f}`)}</li>)}<li><span class="key dot" style={{ "--c": "var(--miners)" }} />{t("key.miners")}</li></ul>
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

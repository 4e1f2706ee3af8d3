/** The start page: five questions, answered from the run at hand, and the stories. */
import type { ComponentChildren } from "preact";
import { october } from "../figures";
import { storyOf, titleOf } from "../panels";
import { address, go, info, move, useStore, type View } from "../state";
import { Nuclear, nuclearSpan } from "./nuclear";
import { number, quantity, range, t, year as whole } from "../words";

const FIRST = ["as-it-was", "no-rush", "ban", "open-door", "register-and-fee", "interruptible", "nuclear"];

function Card(p: { nr: number; name: string; to: View; children: ComponentChildren }) {
  return (
    <article class="card">
      <h2><span class="nr">{p.nr}</span> {t(`q.${p.name}`)}</h2>
      <p class="answer">{p.children}</p>
      <a href={address({ view: p.to })} onClick={(e) => { e.preventDefault(); go({ view: p.to }); scrollTo(0, 0); }}>{t(`q.${p.name}.more`)}</a>
    </article>
  );
}

export function Start() {
  const s = useStore();
  const r = s.result, known = Number(info.as_of.slice(0, 4)), i = known - info.first_year;
  const span = nuclearSpan(), first = span && whole(span.low), best = span && whole(span.best);
  const m = r?.monthly, o = october(i), a = (k: string, y = i) => r?.annual[k]?.[y] ?? null;
  const stories = [...FIRST.filter((n) => info.scenarios.some((x) => x.name === n)), ...info.scenarios.map((x) => x.name).filter((n) => !FIRST.includes(n))];
  const wait = !r || r.until < known;
  const later = Math.min(known + 3, info.last_year) - info.first_year;
  return (
    <div class="start">
      <header>
        <p class="kicker">{t("start.kicker")}</p>
        <h1>{t("start.title")}</h1>
        <p class="summary">{t("start.summary")}</p>
      </header>
      <Nuclear />
      <section aria-labelledby="h-stories">
        <h2 id="h-stories" class="quiet">{t("start.stories")}</h2>
        <div class="stories">
          {stories.map((n) => {
            const on = s.screen.base === n && !Object.keys(s.screen.values).length;
            return <button key={n} type="button" aria-pressed={on} class="story" onClick={() => move({ base: n, values: {} })}><b>{titleOf(n)}</b><span>{storyOf(n)}</span></button>;
          })}
        </div>
      </section>
      <h2 class="quiet">{t("start.questions", { name: titleOf(s.screen.base) })}</h2>
      <div class="cards">
        <Card nr={1} name="load" to="years">{wait ? t("wait") : t("q.load.answer", { year: String(known), mw: quantity(m!["mining_best_mw"]![o] ?? null, "MW"), between: range(m!["mining_low_mw"]![o], m!["mining_high_mw"]![o], "MW"), hidden: quantity(m!["unregistered_mw"]![o] ?? null, "MW") })}</Card>
        <Card nr={2} name="breaks" to="week">{wait ? t("wait") : t((a("shortfall_h") ?? 0) > 0 ? "q.breaks.answer" : "q.breaks.calm", { year: String(known), hours: quantity(a("shortfall_h"), "h"), energy: quantity((a("unserved_gwh") ?? 0) * 1000, "MWh"), cut: quantity(a("interrupted_gwh"), "GWh") })}</Card>
        <Card nr={3} name="closes" to="plants">{first !== null && best !== null ? <>{t("q.closes.nuclear", { first: first, best, years: number(Number(best) - known - 1) })}</> : t("q.closes.none")}</Card>
        <Card nr={4} name="pays" to="money">{wait || r!.until < known + 1 ? t("wait") : t("q.pays.answer", { year: String(known + 1), cost: quantity(r!.system_cost_usd[i + 1] ?? null, "USD"), fee: quantity(r!.ledger["fee"]?.[i + 1] ?? null, "USD"), coins: quantity((r!.ledger["registered_coins"]?.[i + 1] ?? 0) + (r!.ledger["unregistered_coins"]?.[i + 1] ?? 0), "USD") })}</Card>
        <Card nr={5} name="leave" to="compare">{wait || r!.until < info.first_year + later ? t("wait") : t("q.leave.answer", { now: quantity(m!["mining_best_mw"]![o] ?? null, "MW"), year: String(info.first_year + later), then: quantity(m!["mining_best_mw"]![october(later)] ?? null, "MW"), margin: quantity((a("available_mw", later) ?? 0) - (a("peak_mw", later) ?? 0), "MW") })}</Card>
      </div>
    </div>
  );
}

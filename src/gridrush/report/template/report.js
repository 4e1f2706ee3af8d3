(() => {
  "use strict";
  const root = document.documentElement, tip = document.getElementById("tip");
  root.classList.add("js");

  // theme: follow the system until the reader chooses
  const button = document.getElementById("theme"), dark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
  const label = () => {
    button.querySelector(".label").textContent = isDark() ? "Light" : "Dark";
    button.setAttribute("aria-pressed", String(isDark()));
    button.setAttribute("aria-label", "Dark theme");
  };
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("gridrush-theme", root.dataset.theme); } catch (e) { /* private mode */ }
    label();
  });
  dark.addEventListener("change", label);
  label();

  // one of several figures; pickers of the same kind move together
  const choices = [...document.querySelectorAll(".choice")];
  const show = (choice, name) => {
    const options = [...choice.querySelectorAll(".option")];
    const at = options.findIndex((o) => o.dataset.name === name);
    if (at < 0) return;
    options.forEach((o, i) => { o.hidden = i !== at; });
    choice.querySelector("select").selectedIndex = at;
  };
  for (const choice of choices) {
    const select = choice.querySelector("select");
    show(choice, select.options[0].text);
    select.addEventListener("change", () => {
      const name = select.options[select.selectedIndex].text;
      for (const other of choices) if (other.dataset.choice === choice.dataset.choice) show(other, name);
    });
  }

  // tips and walking along a chart, by mouse, touch or arrow keys
  const place = (x, y) => {
    tip.hidden = false;
    const w = tip.offsetWidth, h = tip.offsetHeight;
    tip.style.left = Math.max(8, x + 18 + w > innerWidth ? x - w - 18 : x + 18) + "px";
    tip.style.top = Math.max(8, Math.min(y - h / 2, innerHeight - h - 8)) + "px";
  };
  const hide = () => { tip.hidden = true; document.querySelectorAll(".cursor").forEach((c) => c.remove()); };
  const format = (v) => {
    if (v === null) return "n/a";
    const text = Math.abs(v) >= 100 ? Math.round(v).toString() : String(+v.toPrecision(3));
    return text.replace("-", "\u2212").replace(/\B(?=(\d{3})+(?!\d))(?<!\.\d*)/g, "\u202f");
  };
  const walk = (svg, index, x, y) => {
    const at = svg.dataset.walk.split(",").map(Number), i = Math.max(0, Math.min(at.length - 1, index));
    const block = svg.closest(".plot").querySelector("script.values");
    if (!block) return;
    const data = (svg._values ||= JSON.parse(block.textContent));
    svg._at = i;
    document.querySelectorAll(".cursor").forEach((c) => c.remove());
    const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
    for (const [k, v] of [["x1", at[i]], ["x2", at[i]], ["y1", svg.dataset.top], ["y2", svg.dataset.bottom], ["class", "cursor"]])
      line.setAttribute(k, v);
    svg.append(line);
    tip.textContent = "";
    const title = document.createElement("b");
    title.textContent = data.labels[i];
    const body = document.createElement("table");
    for (const s of data.series) {
      if (s.values[i] === 0 && data.series.length > 4) continue;
      const row = body.insertRow(), name = row.insertCell(), value = row.insertCell(), key = document.createElement("i");
      key.style.background = s.colour;
      name.append(key, s.name);
      value.className = "n";
      value.textContent = format(s.values[i]) + "\u202f" + data.unit;
    }
    tip.append(title, body);
    const box = svg.getBoundingClientRect();
    place(x ?? box.left + (at[i] / svg.viewBox.baseVal.width) * box.width, y ?? box.top + box.height / 3);
  };
  for (const svg of document.querySelectorAll("svg[data-walk]")) {
    const at = svg.dataset.walk.split(",").map(Number);
    const nearest = (e) => {
      const box = svg.getBoundingClientRect(), x = ((e.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
      let best = 0;
      at.forEach((v, i) => { if (Math.abs(v - x) < Math.abs(at[best] - x)) best = i; });
      return best;
    };
    svg.addEventListener("pointermove", (e) => walk(svg, nearest(e), e.clientX, e.clientY));
    svg.addEventListener("pointerleave", hide);
    svg.addEventListener("blur", hide);
    svg.addEventListener("keydown", (e) => {
      const step = { ArrowRight: 1, ArrowLeft: -1, PageDown: 24, PageUp: -24, Home: -1e9, End: 1e9 }[e.key];
      if (e.key === "Escape") hide();
      if (!step) return;
      e.preventDefault();
      walk(svg, (svg._at ?? (step > 0 ? -1 : at.length)) + step);
    });
  }
  document.addEventListener("pointerover", (e) => {
    const mark = e.target.closest?.("[data-tip]");
    if (!mark) { if (!e.target.closest?.("svg[data-walk]")) hide(); return; }
    e.stopPropagation();
    tip.textContent = mark.dataset.tip;
    place(e.clientX, e.clientY);
  });
  addEventListener("scroll", hide, { passive: true });

  // where the reader is
  const links = new Map([...document.querySelectorAll(".contents a")].map((a) => [a.hash.slice(1), a]));
  const seen = new IntersectionObserver((entries) => {
    for (const e of entries) if (e.isIntersecting) {
      links.forEach((a) => a.removeAttribute("aria-current"));
      links.get(e.target.id)?.setAttribute("aria-current", "true");
    }
  }, { rootMargin: "-15% 0px -75% 0px" });
  document.querySelectorAll("main > section").forEach((s) => seen.observe(s));
})();

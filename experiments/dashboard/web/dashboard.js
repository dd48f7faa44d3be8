// The live page: asks for what changed every two seconds, and draws only that.
"use strict";
{
  const { made } = pages;
  const byId = (id) => document.getElementById(id);
  let selected = 0, shown = { run: -1, version: "" };
  const latest = new Map();  // the last answer by address, with its tag

  async function ask(address) {
    const before = latest.get(address);
    const response = await fetch(address, { headers: before ? { "If-None-Match": before.tag } : {}, cache: "no-store" });
    if (response.status === 304) return before.document;
    if (!response.ok) throw new Error(`${address}: ${response.status}`);
    const document = await response.json();
    latest.set(address, { tag: response.headers.get("ETag"), document });
    return document;
  }

  async function choose(id) {
    const card = await ask(`/api/runs/${selected}/individuals/${encodeURIComponent(id)}`);
    pages.showCard(byId("card"), card);
    byId("card").focus({ preventScroll: true });
    byId("card").scrollIntoView({ block: "nearest" });
  }

  function listRuns(runs) {
    const focused = document.activeElement?.dataset?.run;
    byId("runs").replaceChildren(...runs.map((run, number) => {
      const button = made("button", run.label, { type: "button", "aria-pressed": String(number === selected), "data-run": number });
      button.addEventListener("click", () => { selected = number; byId("card").hidden = true; update(); });
      const name = made("td"), state = made("td"), facts = made("td");
      name.append(button);
      state.append(made("span", run.state, { class: `state ${run.state}` }), " ", made("span", run.explanation, { class: "quiet" }));
      const line = made("div");
      facts.append(line);
      for (const [value, what] of run.facts) {
        const fact = made("span");
        fact.append(made("b", value), ` ${what}`);
        line.append(fact);
      }
      const row = made("tr");
      row.append(name, state, facts);
      return row;
    }));
    if (focused !== undefined) byId("runs").querySelector(`[data-run="${focused}"]`)?.focus();
  }

  function table(columns, kinds, rows) {
    const head = made("tr"), body = made("tbody");
    columns.forEach((name, place) => head.append(made("th", name.replaceAll("_", " "), { scope: "col", class: kinds[place] })));
    for (const cells of rows) {
      const row = made("tr");
      for (const cell of cells) {
        const entry = made("td", cell.individual ? undefined : cell.text, { class: cell.kind });
        if (cell.individual) entry.append(made("button", cell.text, { type: "button", "data-individual": cell.text }));
        row.append(entry);
      }
      body.append(row);
    }
    const whole = made("table"), thead = made("thead");
    thead.append(head);
    whole.append(thead, body);
    return whole;
  }

  function framed(content, label, tall) {
    const frame = made("div", undefined, { class: tall ? "scroll tall" : "scroll", tabindex: "0", role: "region", "aria-label": label });
    frame.append(content);
    return frame;
  }

  function showHeadline(headline) {
    byId("headline").hidden = !headline;
    if (!headline) return;
    const rows = headline.rows.map((row) => row.map((text, place) => ({ text, kind: place ? "number" : "text" })));
    const content = table(headline.columns, headline.columns.map((_, place) => place ? "number" : "text"), rows);
    content.querySelector("tbody tr:last-child").classList.add("winner");
    byId("headline").replaceChildren(made("h2", "Result"), made("p", headline.title, { class: "caption" }), framed(content, "Final comparison"));
  }

  function sectionOf(figure) {
    const id = `figure-${figure.name}`;
    const found = byId(id);
    if (found) return found;
    const section = made("section", undefined, { id });
    const link = made("a", "Data as CSV", { download: `${figure.name}.csv` });
    const last = made("p", undefined, { class: "quiet" });
    last.append(link);
    section.append(made("h2"), made("p", undefined, { class: "caption" }), made("div", undefined, { class: "plot" }), made("p", figure.nothing, { class: "empty" }), made("div", undefined, { class: "numbers" }), last);
    byId("figures").append(section);
    return section;
  }

  async function showFigure(figure) {
    const section = sectionOf(figure);
    section.querySelector("h2").textContent = figure.title;
    section.querySelector(".caption").textContent = figure.caption;
    section.querySelector("a").href = `/api/runs/${selected}/${figure.name}.csv`;
    section.querySelector(".empty").hidden = figure.traces.length > 0;
    if (figure.table) section.querySelector(".numbers").replaceChildren(framed(table(figure.table.columns, figure.table.kinds, figure.table.rows), `${figure.title} as a table`, true));
    const plot = section.querySelector(".plot");
    plot.setAttribute("role", "img");
    plot.setAttribute("aria-label", `${figure.title}. ${figure.caption}`);
    await pages.draw(plot, figure, choose);
  }

  async function update() {
    const { runs, progress } = await ask("/api/runs");
    listRuns(runs);
    const section = byId("progress");
    section.querySelector("h2").textContent = progress.title;
    section.querySelector(".caption").textContent = progress.caption;
    await pages.draw(byId("plot-progress"), progress);
    const run = runs[selected];
    if (shown.run !== selected || shown.version !== run.version) {
      const details = await ask(`/api/runs/${selected}`);
      if (shown.run !== selected) byId("figures").replaceChildren();
      shown = { run: selected, version: run.version };
      byId("selected").textContent = run.label;
      showHeadline(details.headline);
      for (const figure of details.figures) await showFigure(figure);
      document.body.dataset.version = run.version;
    }
    document.body.dataset.ready = "yes";
  }

  async function follow() {
    for (;;) {
      try {
        if (!document.hidden) await update();
        byId("connection").textContent = "following";
        byId("connection").className = "quiet";
      } catch (error) {
        byId("connection").textContent = "The server does not answer; start it again with evolve dashboard. Trying again.";
        byId("connection").className = "offline";
      }
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }

  pages.listen(choose);
  follow();
}

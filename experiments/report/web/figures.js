// Draws figures with plotly.js in the colours of the page, and fills the card of the individual that is chosen.
// Texts from runs only ever become text nodes; the report and the live page share this file.
"use strict";
const pages = (() => {
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const drawn = new Map();
  // By name, so that no version of plotly.js adds a button that sends data somewhere.
  const tools = { displaylogo: false, responsive: true, modeBarButtons: [["toImage", "zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]] };

  function themed(layout) {
    const axis = (own) => ({ gridcolor: css("--line"), zerolinecolor: css("--line"), linecolor: css("--line"), ...own });
    return {
      height: 360, margin: { l: 62, r: 14, t: 12, b: 46 },
      hoverlabel: { align: "left", font: { size: 12.5 }, bgcolor: css("--sheet"), bordercolor: css("--line") },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: css("--quiet"), activecolor: css("--link"), orientation: "h" },
      legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 },
      ...layout,
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: css("--ink"), size: 12.5, family: "system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif" },
      xaxis: axis(layout.xaxis), yaxis: axis(layout.yaxis),
    };
  }

  async function draw(element, spec, onChoose) {
    element.hidden = spec.traces.length === 0;
    if (element.hidden) return;
    drawn.set(element, spec);
    const traces = structuredClone(spec.traces);  // plotly.js writes into what it is given
    await Plotly.react(element, traces, themed(structuredClone(spec.layout)), tools);
    if (onChoose && !element.dataset.listens) {
      element.dataset.listens = "yes";
      element.on("plotly_click", (event) => {
        const id = event.points[0].customdata;
        if (id !== undefined) onChoose(id);
      });
    }
    element.dataset.drawn = "yes";
  }

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const [element, spec] of drawn) if (element.isConnected) Plotly.react(element, structuredClone(spec.traces), themed(structuredClone(spec.layout)), tools);
  });

  function made(tag, text, attributes = {}) {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  }

  function showCard(place, card) {
    const list = made("dl");
    const add = (name, value) => list.append(made("dt", name), value instanceof Node ? value : made("dd", value));
    for (const [name, value] of card.figures) add(name, value);
    add("bred by", card.operator);
    const parents = made("dd");
    for (const id of card.parents) {
      const button = made("button", id, { type: "button", "data-individual": id });
      parents.append(button, " ");
    }
    if (!card.parents.length) parents.textContent = "none";
    add("parents", parents);
    for (const [name, value] of card.genes) add(name, value);
    const details = made("details");
    details.append(made("summary", "Genome as JSON"), made("pre", card.genome, { tabindex: "0" }));
    const parts = [made("h3", `${card.id}: ${card.summary}`)];
    if (card.picture) parts.push(made("img", undefined, { src: card.picture, alt: `Graph of ${card.id}: ${card.summary}` }));
    place.replaceChildren(...parts, list, details);
    place.hidden = false;
    place.dataset.shown = card.id;
  }

  function listen(onChoose) {
    document.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-individual]");
      if (button) onChoose(button.dataset.individual);
    });
  }

  return { draw, showCard, made, listen };
})();

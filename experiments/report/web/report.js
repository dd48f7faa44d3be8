// The report: every figure once, cards from the data in the page.
"use strict";
{
  const data = JSON.parse(document.getElementById("report-data").textContent);
  const place = document.getElementById("card");
  const choose = (id) => {
    const card = data.cards[id];
    if (!card) return;
    pages.showCard(place, card);
    place.focus({ preventScroll: true });
    place.scrollIntoView({ block: "nearest" });
  };
  pages.listen(choose);
  Promise.all(data.figures.map((spec) => {
    const element = document.getElementById(`plot-${spec.name}`);
    return element ? pages.draw(element, spec, choose) : null;
  })).then(() => { document.body.dataset.ready = "yes"; });
}

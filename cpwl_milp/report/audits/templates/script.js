"use strict";
(() => {
  const table = document.getElementById("overview");
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const text = document.getElementById("filter");
  const state = document.getElementById("state");
  const told = document.getElementById("told");
  const value = (row, place) => {
    const cell = row.cells[place];
    return "value" in cell.dataset ? cell.dataset.value : cell.textContent.trim().toLowerCase();
  };
  const sortBy = (place, direction) => {
    const numeric = heads[place].classList.contains("num");
    const rows = [...body.rows];
    rows.sort((a, b) => {
      const [x, y] = [value(a, place), value(b, place)];
      // What has no value goes last, either way.
      if (x === "" || y === "") return (x === "") - (y === "");
      return direction * (numeric ? Number(x) - Number(y) : x.localeCompare(y, "en", { numeric: true }));
    });
    body.append(...rows);
    heads.forEach((head) => head.removeAttribute("aria-sort"));
    heads[place].setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
  };
  heads.forEach((head, place) => {
    head.querySelector("button").addEventListener("click", () =>
      sortBy(place, head.getAttribute("aria-sort") === "ascending" ? -1 : 1));
  });
  const filter = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of body.rows) {
      const content = row.textContent.toLowerCase();
      const fits = words.every((word) => content.includes(word)) &&
        (!state.value || row.dataset.state === state.value);
      row.hidden = !fits;
      shown += fits;
    }
    told.textContent = `${shown} of ${body.rows.length} rows`;
  };
  text.addEventListener("input", filter);
  state.addEventListener("change", filter);
  filter();
  document.querySelector(".controls").hidden = false;
  // On paper nothing can be opened.
  window.addEventListener("beforeprint", () =>
    document.querySelectorAll("details").forEach((part) => { part.open = true; }));
})();

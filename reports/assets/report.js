"use strict";
(() => {
  const tables = [...document.querySelectorAll("table.workloads")];
  if (tables.length === 0) return;
  const text = (node) => (node ? node.textContent.trim() : "");
  const ranks = { low: 1, medium: 2, high: 3 };
  const rows = tables.flatMap((table) => [...table.tBodies].map((body) => {
    const [cpu, memory, now, next] = body.dataset.v.split(" ").map(Number);
    const cells = body.rows[0].cells;
    return {
      body, table, name: text(cells[0]), cpu, memory, now, next, change: now < 0 ? 0 : next - now, share: now > 0 ? (next - now) / now : 0,
      confidence: parseFloat(cells[7].textContent) || -1, risk: text(cells[8]), rank: ranks[text(cells[8])] || 0,
      finding: Number(body.dataset.f || -1), space: text(cells[0].querySelector(".ns")), team: text(cells[0].querySelector(".tm")),
      words: body.rows[0].textContent.toLowerCase(),
    };
  }));
  const columns = ["name", "cpu", "memory", "now", "next", "change", "share", "confidence", "rank"];

  const sort = (table, header, key) => {
    const down = header.getAttribute("aria-sort") !== "descending";
    const sign = down ? -1 : 1;
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", down ? "descending" : "ascending");
    const order = (a, b) => (typeof a[key] === "number" ? a[key] - b[key] : a[key] < b[key] ? -1 : a[key] > b[key] ? 1 : 0) * sign;
    table.append(...rows.filter((row) => row.table === table).sort(order).map((row) => row.body));
  };
  for (const table of tables) {
    [...table.tHead.rows[0].cells].forEach((header, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = header.textContent;
      button.title = "Sort by " + header.textContent;
      button.addEventListener("click", () => sort(table, header, columns[column]));
      header.replaceChildren(button);
    });
  }

  const tools = document.getElementById("tools");
  const status = document.createElement("span");
  const labelled = (name, control) => {
    const label = document.createElement("label");
    label.append(name, control);
    tools.append(label);
    control.addEventListener("input", filter);
    return control;
  };
  const choice = (name, options) => {
    const select = document.createElement("select");
    for (const [value, shown] of [["", "all"], ...options]) select.add(new Option(shown, value));
    return labelled(name, select);
  };
  const distinct = (key) => [...new Set(rows.map((row) => row[key]))].filter(Boolean).sort().map((value) => [value, value]);
  let search, space, team, risk, finding;
  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const fits = (!space.value || row.space === space.value) && (!team || !team.value || row.team === team.value) &&
        (!risk.value || row.risk === risk.value) && (!finding.value || row.finding >= Number(finding.value)) &&
        words.every((word) => row.words.includes(word));
      if (row.body.hidden === fits) row.body.hidden = !fits;
      shown += fits ? 1 : 0;
    }
    status.textContent = shown < rows.length ? shown + " of " + rows.length + " workloads" : "";
    if (shown < rows.length) for (const rest of document.querySelectorAll("details.rest")) rest.open = true;
  }
  search = document.createElement("input");
  search.type = "search";
  labelled("Filter", search);
  space = choice("Namespace", distinct("space"));
  if (distinct("team").length > 0) team = choice("Team", distinct("team"));
  risk = choice("Risk", [["high", "high"], ["medium", "medium"], ["low", "low"]]);
  finding = choice("Findings", [["4", "critical"], ["3", "high or worse"], ["2", "medium or worse"], ["0", "any finding"]]);
  status.className = "quiet";
  status.setAttribute("role", "status");
  tools.append(status);

  const reveal = () => {
    const target = document.getElementById(location.hash.slice(1));
    if (!target) return;
    for (let outer = target.closest("details"); outer; outer = outer.parentElement.closest("details")) outer.open = true;
    const inner = target.querySelector("details");
    if (inner) inner.open = true;
    target.scrollIntoView();
  };
  // On paper nothing can be opened: sums that are folded away are printed too.
  const sums = [...document.querySelectorAll("details > .scroll")].map((table) => table.parentElement);
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = sums.filter((fold) => !fold.open);
    for (const fold of folded) fold.open = true;
  });
  addEventListener("afterprint", () => { for (const fold of folded) fold.open = false; });
  addEventListener("hashchange", reveal);
  if (location.hash) reveal();
})();

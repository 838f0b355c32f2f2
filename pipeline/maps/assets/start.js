// The page is put together: each part is told of the others only what it needs.
luyu.start = function (map) {
  var el = luyu.el, data = luyu.data, list, card, chart, filters, unsent, typed = null;

  function pick(finding, move) {
    var opened = !document.getElementById("card").hidden;
    card.show(finding);
    list.mark(finding);
    map.invalidateSize({ animate: false });
    chart.pick(finding, move);
    goTo("#" + encodeURIComponent(finding.id), opened);
  }
  // The address names the finding; Back closes the card, however many were walked through.
  function goTo(hash, replace) {
    try { history[replace ? "replaceState" : "pushState"](null, "", hash || location.pathname + location.search); }
    catch (error) { if (error.name !== "SecurityError") throw error; }      // in a frame of a notebook
  }
  function turn(finding, by) {
    var other = by ? list.neighbour(finding, by) : finding;
    if (other) pick(other, true);
  }
  function filtered(go) {
    var found = filters.pass(verdicts.of), wanted = filters.stakeWanted();
    list.show(found);
    chart.show(found);
    clearTimeout(typed);
    if (!wanted) { chart.pin(null); return; }
    typed = setTimeout(function () {
      var at = chart.stakeAt(wanted.route, wanted.measure_m);
      chart.pin(at, (wanted.route + " K" + Math.floor(wanted.measure_m / 1000) + "+" + String(1000 + wanted.measure_m % 1000).slice(1)).trim());
    }, go ? 0 : 500);
  }

  var verdicts = luyu.Verdicts(function (caseNo, elsewhere) {
    var shown = card.current();
    unsent.draw();
    list.again(caseNo);
    if (elsewhere && shown && shown.case === caseNo) card.show(shown);
  });
  filters = luyu.Filters(filtered);
  list = luyu.List(document.getElementById("list"), filters, verdicts, function (finding) { pick(finding, true); });
  unsent = luyu.Unsent(document.getElementById("unsent"), verdicts, function (finding) { pick(finding, true); });
  chart = luyu.Chart(map, function (finding) { pick(finding, false); });
  var measure = luyu.Measure(map, function () { chart.whole(); });
  if (luyu.Basemaps) luyu.Basemaps(map);
  card = luyu.Card(document.getElementById("card"), verdicts, turn, function () {
    chart.pick(null);
    list.mark(null);
    map.invalidateSize({ animate: false });
    if (location.hash) goTo("", true);
  });
  var sheets = luyu.Sheets(document.getElementById("sheets"), list, card);
  filtered(false);

  var tools = document.getElementById("tools");
  // In a frame of a notebook there is no overview to go back to.
  if (location.protocol !== "about:") tools.appendChild(el("a", { href: "../index.html" }, [luyu.label(luyu.word("back"))]));
  tools.appendChild(luyu.button("print", function () { window.print(); }));
  if (data.findings.length) tools.appendChild(luyu.button("sheets", sheets.open));

  // A register or another page may point at one finding: counties/320322.html#finding_id
  function fromAddress() {
    var wanted;
    try { wanted = decodeURIComponent(location.hash.slice(1)); } catch (error) { if (error instanceof URIError) return; throw error; }
    var finding = data.findings.filter(function (f) { return f.id === wanted; })[0];
    if (finding && card.current() !== finding) pick(finding, true);
    else if (!finding && card.current()) card.close();
  }
  // Paper is narrower than the screen: the map keeps its size and is shown smaller. Drawing it anew would be of no use:
  // what Chromium records of a canvas while printing wipes out every canvas that lies beneath.
  var frame = map.getContainer().style;
  var legend = map.getContainer().querySelector(".legend");
  window.addEventListener("beforeprint", function () {
    var size = map.getSize();
    legend.wasOpen = legend.open;
    legend.open = size.x > 600;
    frame.width = size.x + "px";
    frame.height = size.y + "px";
    var card = document.getElementById("card");         // which shares the sheet with the map
    frame.zoom = Math.min(1, 700 / size.x, (card.hidden ? 520 : 320) / size.y);
  });
  window.addEventListener("afterprint", function () { frame.width = frame.height = frame.zoom = ""; legend.open = legend.wasOpen; });
  window.addEventListener("hashchange", fromAddress);
  window.addEventListener("popstate", fromAddress);
  fromAddress();
  luyu.chart = chart;
  luyu.list = list;
  luyu.verdicts = verdicts;
  luyu.measure = measure;
  document.documentElement.setAttribute("data-ready", "true");
};

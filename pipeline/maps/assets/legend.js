// The legend, which is also the switch of the layers.
luyu.Legend = function (map, ground) {
  var data = luyu.data, el = luyu.el, layers = ground.layers;

  function row(name, title, swatch, on) {
    var box = el("input", { type: "checkbox", "data-layer": name, onchange: function () {
      if (box.checked) map.addLayer(layers[name]); else map.removeLayer(layers[name]);
      ground.relabel();
    } });
    box.checked = on;
    if (on) map.addLayer(layers[name]);
    return el("label", {}, [box, swatch, luyu.label(title)]);
  }
  function swatch(children) {
    return luyu.svg("svg", { "class": "swatch", viewBox: "0 0 26 14", width: 26, height: 14, "aria-hidden": "true" }, children);
  }
  function line(more) { return luyu.svg("line", Object.assign({ x1: 1, y1: 7, x2: 25, y2: 7 }, more)); }
  function rect(more) { return luyu.svg("rect", Object.assign({ x: 1, y: 1, width: 24, height: 12 }, more)); }

  function grounds() {
    return [
      row("outline", luyu.word("outline"), swatch([line({ stroke: "#555", "stroke-width": 2, "stroke-dasharray": "8 4 2 4" })]), true),
      data.corridor.length ? row("corridor", luyu.word("corridor"), swatch([rect({ fill: "none", stroke: "#0072b2", "stroke-width": 1.5, "stroke-dasharray": "5 4" })]), true) : null
    ].concat(["control_zone", "highway_land", "pavement"].map(function (name) {
      var look = luyu.zones[name];
      return row(name, [look.zh, look.en], swatch([rect({ fill: look.fill, "fill-opacity": 0.5, stroke: look.line })]), true);
    }), [
      row("roads", luyu.word("roads"), swatch([line({ stroke: "#4a5560", "stroke-width": 3 })]), true),
      row("stakes", luyu.word("stakes"), swatch([luyu.svg("circle", { cx: 13, cy: 7, r: 4, fill: "#fff", stroke: "#333" })]), true),
      data.sight.length ? row("sight", luyu.word("sight"), swatch([rect({ fill: "#9b7fc9", "fill-opacity": 0.4, stroke: "#6b4fa0", "stroke-dasharray": "2 4" })]), false) : null,
      data.hotSpots.length ? row("hot_spots", luyu.word("hot_spots"), swatch([line({ stroke: "#e69f00", "stroke-width": 10, "stroke-opacity": 0.5 })]), true) : null
    ]);
  }
  function sites() {
    if (!data.sites.length) return [];
    return [row("sites", luyu.word("sites"), null, true)].concat(Object.keys(data.siteStates).map(function (name) {
      var state = data.siteStates[name], count = data.sites.filter(function (site) { return site[2] === name; }).length;
      var dot = swatch([luyu.svg("circle", { cx: 13, cy: 7, r: 5, fill: state[2], stroke: "#1b1b1b", "stroke-width": 1.5, "stroke-dasharray": name === "unseen" ? "2 2" : null })]);
      return el("p", { "class": "cause" }, [dot, luyu.label([state[0], state[1]]), el("b", { text: String(count) })]);
    }));
  }
  function gaps() {
    var rows = data.causes.map(function (cause) {
      var hatch = swatch([line({ x1: 0, x2: 26, stroke: "#fff", "stroke-width": 12 }), line({ x1: 0, x2: 26, stroke: cause[3], "stroke-width": 10, "stroke-dasharray": cause[4] })]);
      return el("p", { "class": "cause" }, [hatch, luyu.label([cause[1], cause[2]]), cause[5] ? el("b", { text: cause[5] + " km" }) : null]);
    });
    if (!rows.length) rows.push(el("p", { "class": "cause" }, [luyu.label(luyu.word("all_observed"))]));
    return [row("unobserved", luyu.word("unobserved"), null, true)].concat(rows);
  }
  function signs() {
    var rows = data.kinds.filter(function (k) { return data.findings.some(function (f) { return f.kind === k[0]; }); }).map(function (k) {
      return el("span", { "class": "sign-row" }, [luyu.symbol(k[0]), luyu.label([k[1], k[2]])]);
    });
    rows.push(el("span", { "class": "sign-row" }, [luyu.symbol(data.kinds[0][0], luyu.GREY), luyu.label(luyu.word("permitted"))]));
    rows.push(el("span", { "class": "sign-row" }, [swatch([rect({ x: 2, width: 22, fill: "none", stroke: "#333", "stroke-width": 1.5, "stroke-dasharray": "4 3" })]), luyu.label(luyu.word("undetermined"))]));
    Object.keys(data.caveats).forEach(function (kind) {
      rows.push(el("span", { "class": "sign-row caveat" }, [luyu.symbol(kind), luyu.label(data.caveats[kind])]));
    });
    return el("div", { "class": "note" }, rows);
  }

  var parts = [el("summary", {}, [luyu.label(luyu.word("layers"))]), signs()].concat(grounds(), sites(), gaps());
  var box = el("details", { "class": "legend", open: window.innerWidth >= 1600 && window.innerHeight >= 700 }, parts);
  var control = L.control({ position: "bottomleft" });
  control.onAdd = function () { return box; };
  control.addTo(map);
  L.DomEvent.disableClickPropagation(box);
  L.DomEvent.disableScrollPropagation(box);
  // A card takes room from the map: the legend then makes way.
  map.on("resize", function (event) { if (event.newSize.x < event.oldSize.x && event.newSize.x < 700) box.open = false; });
};

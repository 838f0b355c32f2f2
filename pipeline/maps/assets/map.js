// What is drawn: county, zones, roads, stakes, unobserved stretches, findings; and the legend that switches them.
luyu.Chart = function (map, onPick) {
  var data = luyu.data, el = luyu.el;
  var near = 16, far = 14;                 // zoom from which symbols give way to footprints; from which those are drawn
  var flat = { renderer: L.canvas({ pane: "zones" }), interactive: false };
  var live = L.canvas({ pane: "findings", tolerance: 6 });
  var roadCanvas = L.canvas({ pane: "roads" });

  // A finding's mark in the shape of its kind; hit-testing stays that of the circle around it.
  var Mark = L.CircleMarker.extend({
    _updatePath: function () {
      var corners = luyu.SHAPES[this.options.shape], ctx = this._renderer._ctx, p = this._point, r = this._radius;
      if (!corners) { this._renderer._updateCircle(this); return; }
      if (!this._renderer._drawing || this._empty()) return;
      ctx.beginPath();
      corners.forEach(function (c, i) { ctx[i ? "lineTo" : "moveTo"](p.x + c[0] * r, p.y + c[1] * r); });
      ctx.closePath();
      this._renderer._fillStroke(ctx, this);
    }
  });

  var layers = {
    outline: L.polygon(luyu.areas(data.outline), Object.assign({ fill: false, color: "#555", weight: 2, dashArray: "8 4 2 4" }, flat)),
    control_zone: L.layerGroup(), highway_land: L.layerGroup(), pavement: L.layerGroup(),
    roads: L.layerGroup(), unobserved: L.layerGroup(), stakes: L.layerGroup(),
    hot_spots: L.layerGroup(), sites: L.layerGroup(),
    sight: L.polygon(luyu.areas(data.sight), Object.assign({ fillColor: "#9b7fc9", fillOpacity: 0.25, color: "#6b4fa0", weight: 1, dashArray: "2 4" }, flat))
  };
  data.zones.forEach(function (zone) {
    var look = luyu.zones[zone[0]];
    layers[zone[0]].addLayer(L.polygon(luyu.areas(zone[2]), Object.assign({
      fillColor: look.fill, fillOpacity: 0.45, color: look.line, weight: 1, dashArray: zone[1] === "estimated" ? "5 4" : null
    }, flat)));
  });
  data.roads.forEach(function (road) {
    var path = luyu.lines(road[3]);
    var wide = { renderer: roadCanvas, interactive: false, color: "#fff", weight: 5, opacity: 0.9 };
    layers.roads.addLayer(L.polyline(path, wide));
    layers.roads.addLayer(L.polyline(path, Object.assign({}, wide, { color: "#4a5560", weight: 2 })));
  });
  // Stretches not observed: ticks across a pale band, in a colour and rhythm of their own for each cause.
  var causes = {}, known = {};
  data.causes.forEach(function (cause) {
    known[cause[0]] = { label: [cause[1], cause[2]], colour: cause[3], dash: cause[4], km: cause[5] };
    causes[cause[0]] = L.layerGroup();
  });
  data.unobserved.forEach(function (gap) {
    var path = luyu.lines(gap[2]), cause = known[gap[0]];
    var tip = el("span", {}, [luyu.label(luyu.word("unobserved")), el("br"), el("b", { text: gap[1] + " " }), luyu.label(cause.label)]);
    causes[gap[0]].addLayer(L.polyline(path, { renderer: live, color: "#fff", weight: 12, opacity: 0.9, lineCap: "butt" }).bindTooltip(tip, { sticky: true }));
    causes[gap[0]].addLayer(L.polyline(path, { renderer: live, color: cause.colour, weight: 10, dashArray: cause.dash, lineCap: "butt", interactive: false }));
  });
  data.causes.forEach(function (cause) { layers.unobserved.addLayer(causes[cause[0]]); });

  // Where it recurs: a wide band under the road. Known sites: small squares in the colour of their state.
  data.hotSpots.forEach(function (spot) {
    layers.hot_spots.addLayer(L.polyline(luyu.lines(spot[1]), { renderer: live, color: "#e69f00", weight: 16, opacity: 0.45, lineCap: "butt" })
      .bindTooltip(el("span", { text: spot[0] }), { sticky: true }));
  });
  data.sites.forEach(function (site) {
    var state = data.siteStates[site[2]];
    layers.sites.addLayer(L.circleMarker([site[1], site[0]], { renderer: live, radius: 5, color: "#1b1b1b", weight: 1.5, fillColor: state[2], fillOpacity: 1, dashArray: site[2] === "unseen" ? "2 2" : null })
      .bindTooltip(el("span", { text: site[3] }), { direction: "top" }));
  });

  // ---- findings
  var marks = L.layerGroup().addTo(map), ring = null, shown = [];
  data.findings.forEach(function (finding) {
    var undetermined = finding.membership !== "inside";
    var look = {
      renderer: live, color: "#1b1b1b", weight: undetermined ? 1.5 : 1, dashArray: undetermined ? "3 2" : null,
      fillColor: luyu.colour(finding), fillOpacity: undetermined ? 0.55 : 0.9
    };
    finding.mark = new Mark([finding.at[1], finding.at[0]], Object.assign({ radius: 7, shape: luyu.kinds[finding.kind].shape }, look));
    finding.area = L.polygon(luyu.areas(finding.shape), Object.assign({}, look, {
      color: luyu.colour(finding), weight: 3, fillOpacity: 0.15, dashArray: undetermined ? "6 4" : null
    }));
    [finding.mark, finding.area].forEach(function (layer) {
      layer.on("click", function (event) { L.DomEvent.stopPropagation(event); onPick(finding); });
      layer.bindTooltip(function () {
        var kind = luyu.kinds[finding.kind];
        return el("span", {}, [luyu.label([kind.zh, kind.en]), el("br"), el("span", { text: luyu.place(finding) })]);
      }, { direction: "top", offset: [0, -6] });
    });
  });

  function draw() {                         // adds and removes, never clears: an open card keeps its finding
    var zoom = map.getZoom(), seen = new Set(shown);
    // The most urgent come last and so lie on top.
    for (var i = data.findings.length - 1; i >= 0; i--) {
      var finding = data.findings[i], on = seen.has(finding);
      toggle(finding.area, on && zoom >= far);
      toggle(finding.mark, on && zoom < near);
    }
  }
  function toggle(layer, on) {
    if (on && !marks.hasLayer(layer)) marks.addLayer(layer);
    else if (!on && marks.hasLayer(layer)) marks.removeLayer(layer);
  }

  // ---- stakes and road numbers: only those in view, denser as one comes nearer
  function step(zoom) { return zoom >= 16 ? 100 : zoom >= 13 ? 1000 : zoom >= 11.5 ? 5000 : zoom >= 10 ? 10000 : 50000; }
  function relabel() {
    layers.stakes.clearLayers();
    if (map.hasLayer(layers.stakes)) data.stakes.forEach(stake);
    roadNumbers.clearLayers();
    if (map.hasLayer(layers.roads)) data.roads.forEach(roadNumber);
  }
  function stake(row) {
    var at = [row[1], row[0]];
    if (row[3] % step(map.getZoom()) || !map.getBounds().contains(at)) return;
    var whole = row[3] % 1000 === 0, name = whole ? row[2].split("+")[0] : row[2];
    layers.stakes.addLayer(L.circleMarker(at, { renderer: roadCanvas, interactive: false, radius: whole ? 3.5 : 2, color: "#333", weight: 1, fillColor: "#fff", fillOpacity: 1 }));
    layers.stakes.addLayer(badge(at, "stake" + (whole ? " whole" : ""), name, [-8, 10]));
  }
  var roadNumbers = L.layerGroup().addTo(map), numbered = {};
  function roadNumber(road, index) {
    if (index === 0) numbered = {};
    if (numbered[road[0]]) return;
    var middle = map.getBounds(), best = null;
    luyu.lines(road[3]).forEach(function (path) {
      var at = path[Math.floor(path.length / 2)];
      path.forEach(function (point) { if (middle.contains(point) && nearer(point, best)) best = point; });
      if (!best && middle.contains(at)) best = at;
    });
    if (!best) return;
    numbered[road[0]] = true;
    roadNumbers.addLayer(badge(best, "sign sign-" + (/^(expressway|[GSXYCZ])$/.test(road[2]) ? road[2] : "X"), road[0], [14, 26]));
  }
  function nearer(point, best) {
    return !best || map.getCenter().distanceTo(point) < map.getCenter().distanceTo(best);
  }
  function badge(at, look, text, anchor) {
    return L.marker(at, { interactive: false, keyboard: false, pane: "labels",
      icon: L.divIcon({ className: "badge", iconSize: null, iconAnchor: anchor, html: el("span", { "class": look, text: text }) }) });
  }

  // ---- legend, which is also the switch of the layers
  function legendRow(name, title, swatch, on) {
    var box = el("input", { type: "checkbox", "data-layer": name, onchange: function () {
      if (box.checked) map.addLayer(layers[name]); else map.removeLayer(layers[name]);
      relabel();
    } });
    box.checked = on;
    if (on) map.addLayer(layers[name]);
    return el("label", {}, [box, swatch, luyu.label(title)]);
  }
  function swatch(attributes) {
    return luyu.svg("svg", { "class": "swatch", viewBox: "0 0 26 14", width: 26, height: 14, "aria-hidden": "true" }, attributes);
  }
  function legend() {
    var line = function (more) { return luyu.svg("line", Object.assign({ x1: 1, y1: 7, x2: 25, y2: 7 }, more)); };
    var rows = [
      legendRow("outline", luyu.word("outline"), swatch([line({ stroke: "#555", "stroke-width": 2, "stroke-dasharray": "8 4 2 4" })]), true)
    ].concat(["control_zone", "highway_land", "pavement"].map(function (name) {
      var look = luyu.zones[name];
      return legendRow(name, [look.zh, look.en], swatch([luyu.svg("rect", { x: 1, y: 1, width: 24, height: 12, fill: look.fill, "fill-opacity": 0.5, stroke: look.line })]), true);
    }), [
      legendRow("roads", luyu.word("roads"), swatch([line({ stroke: "#4a5560", "stroke-width": 3 })]), true),
      legendRow("stakes", luyu.word("stakes"), swatch([luyu.svg("circle", { cx: 13, cy: 7, r: 4, fill: "#fff", stroke: "#333" })]), true),
      data.sight.length ? legendRow("sight", luyu.word("sight"), swatch([luyu.svg("rect", { x: 1, y: 1, width: 24, height: 12, fill: "#9b7fc9", "fill-opacity": 0.4, stroke: "#6b4fa0", "stroke-dasharray": "2 4" })]), false) : null,
      data.hotSpots.length ? legendRow("hot_spots", luyu.word("hot_spots"), swatch([line({ stroke: "#e69f00", "stroke-width": 10, "stroke-opacity": 0.5 })]), true) : null,
      data.sites.length ? legendRow("sites", luyu.word("sites"), null, true) : null
    ].concat(data.sites.length ? Object.keys(data.siteStates).map(function (name) {
      var state = data.siteStates[name], count = data.sites.filter(function (site) { return site[2] === name; }).length;
      var dot = swatch([luyu.svg("circle", { cx: 13, cy: 7, r: 5, fill: state[2], stroke: "#1b1b1b", "stroke-width": 1.5, "stroke-dasharray": name === "unseen" ? "2 2" : null })]);
      return el("p", { "class": "cause" }, [dot, luyu.label([state[0], state[1]]), el("b", { text: String(count) })]);
    }) : [], [
      legendRow("unobserved", luyu.word("unobserved"), null, true)
    ]), data.causes.map(function (cause) {
      var hatch = swatch([line({ x1: 0, x2: 26, stroke: "#fff", "stroke-width": 12 }), line({ x1: 0, x2: 26, stroke: cause[3], "stroke-width": 10, "stroke-dasharray": cause[4] })]);
      return el("p", { "class": "cause" }, [hatch, luyu.label([cause[1], cause[2]]), cause[5] ? el("b", { text: cause[5] + " km" }) : null]);
    }), data.causes.length ? [] : [el("p", { "class": "cause" }, [luyu.label(luyu.word("all_observed"))])]);
    var open = window.innerWidth >= 600;
    var notes = el("p", { "class": "note" }, [
      luyu.symbol(data.kinds[0][0], luyu.GREY), luyu.label(luyu.word("permitted")), el("br"),
      swatch([luyu.svg("rect", { x: 2, y: 1, width: 22, height: 12, fill: "none", stroke: "#333", "stroke-width": 1.5, "stroke-dasharray": "4 3" })]),
      luyu.label(luyu.word("undetermined"))
    ]);
    Object.keys(data.caveats).forEach(function (kind) {
      notes.appendChild(el("span", { "class": "caveat" }, [el("br"), luyu.symbol(kind), luyu.label(data.caveats[kind])]));
    });
    var box = el("details", { "class": "legend", open: open }, [el("summary", {}, [luyu.label(luyu.word("layers"))])].concat(rows, [notes]));
    var control = L.control({ position: "bottomleft" });
    control.onAdd = function () { return box; };
    control.addTo(map);
    L.DomEvent.disableClickPropagation(box);
    L.DomEvent.disableScrollPropagation(box);
  }

  function whole() {
    var area = layers.outline.getLatLngs().length ? layers.outline.getBounds() : L.latLngBounds([]);
    data.roads.forEach(function (road) { luyu.lines(road[3]).forEach(function (path) { area.extend(path); }); });
    data.findings.forEach(function (finding) { area.extend([finding.at[1], finding.at[0]]); });
    if (!area.isValid()) { map.setView([34, 117], 8); return; }
    var tall = area.getNorth() - area.getSouth() < 1e-4 ? area.pad(2) : area;
    map.fitBounds(tall, { padding: [20, 20], animate: false });
  }

  // On a phone the card lies over the lower part of the map: bring the place into what is left.
  function uncover(at) {
    var frame = map.getContainer().getBoundingClientRect();
    var cover = document.getElementById("card").getBoundingClientRect();
    if (!cover.height || cover.left > frame.left || cover.top >= frame.bottom) return;
    var free = Math.max(cover.top - frame.top, 0), y = map.latLngToContainerPoint(at).y;
    map.panBy([0, y - free / 2], { animate: false });
  }

  legend();
  L.control.zoom({ position: "topright" }).addTo(map);
  L.control.scale({ imperial: false, position: "bottomright" }).addTo(map);
  whole();
  map.on("zoomend", draw);
  map.on("moveend", relabel);
  relabel();

  return {
    show: function (findings) { shown = findings; draw(); },
    whole: whole,
    pick: function (finding, move) {
      if (ring) { map.removeLayer(ring); ring = null; }
      if (!finding) return;
      var at = [finding.at[1], finding.at[0]];
      ring = L.circleMarker(at, { renderer: live, interactive: false, radius: 14, color: "#000", weight: 3, fill: false }).addTo(map);
      if (move) map.setView(at, Math.max(map.getZoom(), 17), { animate: false });
      uncover(at);
    },
    onScreen: function () { return { marks: marks.getLayers().length, zoom: map.getZoom() }; }
  };
};

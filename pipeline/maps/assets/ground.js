// What lies under the findings: county, corridor, zones, roads with their numbers, stakes, stretches not observed.
luyu.Ground = function (map, live) {
  var data = luyu.data, el = luyu.el;
  var flat = { renderer: L.canvas({ pane: "zones" }), interactive: false };
  var roadCanvas = L.canvas({ pane: "roads" });

  var layers = {
    outline: L.polygon(luyu.areas(data.outline), Object.assign({ fill: false, color: "#555", weight: 2, dashArray: "8 4 2 4" }, flat)),
    corridor: L.polygon(luyu.areas(data.corridor), Object.assign({ fill: false, color: "#0072b2", weight: 1.5, dashArray: "6 5" }, flat)),
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
  var roads = data.roads.map(function (road) { return { route: road[0], sort: road[2], paths: luyu.lines(road[3]) }; });
  roads.forEach(function (road) {
    var wide = { renderer: roadCanvas, interactive: false, color: "#fff", weight: 5, opacity: 0.9 };
    layers.roads.addLayer(L.polyline(road.paths, wide));
    layers.roads.addLayer(L.polyline(road.paths, Object.assign({}, wide, { color: "#4a5560", weight: 2 })));
  });

  // Stretches not observed: ticks across a pale band, in a colour and rhythm of their own for each cause.
  var known = {};
  data.causes.forEach(function (cause) { known[cause[0]] = { label: [cause[1], cause[2]], colour: cause[3], dash: cause[4] }; });
  data.unobserved.forEach(function (gap) {
    var path = luyu.lines(gap[2]), cause = known[gap[0]];
    var tip = el("span", {}, [luyu.label(luyu.word("unobserved")), el("br"), el("b", { text: gap[1] + " " }), luyu.label(cause.label)]);
    layers.unobserved.addLayer(L.polyline(path, { renderer: live, color: "#fff", weight: 12, opacity: 0.9, lineCap: "butt" }).bindTooltip(tip, { sticky: true }));
    layers.unobserved.addLayer(L.polyline(path, { renderer: live, color: cause.colour, weight: 10, dashArray: cause.dash, lineCap: "butt", interactive: false }));
  });

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

  // ---- stakes and road numbers: only those in view, denser as one comes nearer
  function step(zoom) { return zoom >= 16 ? 100 : zoom >= 12.5 ? 1000 : zoom >= 11.5 ? 5000 : zoom >= 10 ? 10000 : 50000; }
  function relabel() {
    layers.stakes.clearLayers();
    if (map.hasLayer(layers.stakes)) data.stakes.forEach(stake);
    roadNumbers.clearLayers();
    if (map.hasLayer(layers.roads)) numberRoads();
  }
  function stake(row) {
    var at = [row[1], row[0]];
    if (row[3] % step(map.getZoom()) || !map.getBounds().contains(at)) return;
    var whole = row[3] % 1000 === 0, name = whole ? row[2].split("+")[0] : row[2];
    layers.stakes.addLayer(L.circleMarker(at, { renderer: roadCanvas, interactive: false, radius: whole ? 3.5 : 2, color: "#333", weight: 1, fillColor: "#fff", fillOpacity: 1 }));
    layers.stakes.addLayer(badge(at, "stake" + (whole ? " whole" : ""), name, [-8, 10]));
  }
  var roadNumbers = L.layerGroup().addTo(map);
  function numberRoads() {
    var numbered = {}, view = map.getBounds();
    roads.forEach(function (road) {
      if (numbered[road.route]) return;
      var best = null;
      road.paths.forEach(function (path) {
        path.forEach(function (point) { if (view.contains(point) && nearer(point, best)) best = point; });
      });
      if (!best) return;
      numbered[road.route] = true;
      roadNumbers.addLayer(badge(best, "sign sign-" + (/^(expressway|[GSXYCZ])$/.test(road.sort) ? road.sort : "X"), road.route, [14, 26]));
    });
  }
  function nearer(point, best) {
    return !best || map.getCenter().distanceTo(point) < map.getCenter().distanceTo(best);
  }
  function badge(at, look, text, anchor) {
    return L.marker(at, { interactive: false, keyboard: false, pane: "labels",
      icon: L.divIcon({ className: "badge", iconSize: null, iconAnchor: anchor, html: el("span", { "class": look, text: text }) }) });
  }

  // Where a stake of a route lies, [lat, lon], between the posts that the page knows (every 100 m); null beyond them.
  function stakeAt(route, measure_m) {
    var below = null, above = null;
    data.stakes.forEach(function (row) {
      if (route && row[4] !== route) return;
      if (row[3] <= measure_m && measure_m - row[3] <= 100 && (!below || row[3] > below[3])) below = row;
      if (row[3] >= measure_m && row[3] - measure_m <= 100 && (!above || row[3] < above[3])) above = row;
    });
    if (!below || !above) return below || above ? [(below || above)[1], (below || above)[0]] : null;
    if (below[4] !== above[4]) above = below;
    var share = above[3] > below[3] ? (measure_m - below[3]) / (above[3] - below[3]) : 0;
    return [below[1] + share * (above[1] - below[1]), below[0] + share * (above[0] - below[0])];
  }

  // The roads and what was found there, beside an open legend; the county as a whole where there is neither.
  function whole() {
    var area = L.latLngBounds([]), legend = map.getContainer().querySelector(".legend");
    roads.forEach(function (road) { road.paths.forEach(function (path) { area.extend(path); }); });
    data.findings.forEach(function (finding) { area.extend([finding.at[1], finding.at[0]]); });
    if (!area.isValid() && layers.outline.getLatLngs().length) area.extend(layers.outline.getBounds());
    if (!area.isValid()) { map.setView([34, 117], 8); return; }
    var tall = area.getNorth() - area.getSouth() < 1e-4 ? area.pad(2) : area;
    var beside = legend && legend.open && map.getSize().x > 2 * legend.offsetWidth ? legend.offsetWidth : 0;
    map.fitBounds(tall, { paddingTopLeft: [beside + 20, 20], paddingBottomRight: [60, 30], animate: false });
  }

  return { layers: layers, relabel: relabel, stakeAt: stakeAt, whole: whole };
};

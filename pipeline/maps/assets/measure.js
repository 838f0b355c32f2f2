// Measuring on the map: lengths between the points that are clicked, and the area when they close.
luyu.Measure = function (map, onWhole) {
  var el = luyu.el, points = [], group = L.layerGroup().addTo(map), on = false, told = el("p", { "class": "measured", role: "status" });
  var control = L.control({ position: "topright" });
  var button = el("button", { type: "button", "data-action": "measure", "aria-pressed": "false", title: luyu.both(luyu.word("measure_hint")), onclick: toggle }, [luyu.label(luyu.word("measure"))]);
  control.onAdd = function () {
    var whole = el("button", { type: "button", "data-action": "whole", onclick: onWhole }, [luyu.label(luyu.word("whole"))]);
    var box = el("div", { "class": "measure" }, [whole, button, told]);
    L.DomEvent.disableClickPropagation(box);
    return box;
  };
  control.addTo(map);
  told.hidden = true;

  function lonlat(point) { return [point.lng, point.lat]; }
  function length_m(some) {
    return some.reduce(function (sum, point, i) { return i ? sum + luyu.metres(lonlat(some[i - 1]), lonlat(point)) : 0; }, 0);
  }
  function area_m2(some) {
    var first = lonlat(some[0]), flat = some.map(function (point) { return luyu.offset_m(first, lonlat(point)); });
    return Math.abs(flat.reduce(function (sum, at, i) {
      var next = flat[(i + 1) % flat.length];
      return sum + at[0] * next[1] - next[0] * at[1];
    }, 0)) / 2;
  }
  function shown(metres) { return metres < 1000 ? metres.toFixed(1) + " m" : (metres / 1000).toFixed(3) + " km"; }
  function draw() {
    group.clearLayers();
    if (!points.length) { told.textContent = ""; told.appendChild(luyu.label(luyu.word("measure_hint"))); return; }
    group.addLayer(L.polyline(points, { color: "#c8201e", weight: 3, interactive: false, dashArray: "6 4" }));
    points.forEach(function (point) { group.addLayer(L.circleMarker(point, { radius: 4, color: "#c8201e", fillColor: "#fff", fillOpacity: 1, interactive: false })); });
    told.textContent = shown(length_m(points));
    if (points.length > 2) told.textContent += " · " + luyu.word("area")[0] + " area " + area_m2(points).toFixed(0) + " m²";
  }
  function add(event) { points.push(event.latlng); draw(); }
  function toggle() {
    on = !on;
    points = [];
    button.setAttribute("aria-pressed", String(on));
    told.hidden = !on;
    map.getContainer().classList.toggle("measuring", on);
    map[on ? "on" : "off"]("click", add);
    if (on) { map.doubleClickZoom.disable(); draw(); } else { map.doubleClickZoom.enable(); group.clearLayers(); }
  }
  document.addEventListener("keydown", function (event) { if (on && event.key === "Escape") toggle(); });
  return { on: function () { return on; }, text: function () { return told.textContent; } };
};

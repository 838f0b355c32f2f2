// The map as a whole: ground, findings, legend, scale, north.
luyu.Chart = function (map, onPick) {
  var el = luyu.el;
  // Lengths on the ellipsoid and not on a sphere, so that the scale bar is true.
  map.options.crs = L.extend({}, L.CRS.EPSG3857, {
    distance: function (from, to) { return luyu.metres([from.lng, from.lat], [to.lng, to.lat]); }
  });
  var live = L.canvas({ pane: "findings", tolerance: 6 });
  var ground = luyu.Ground(map, live), marks = luyu.Marks(map, live, onPick), pin = null;

  luyu.Legend(map, ground);
  L.control.zoom({ position: "topright", zoomInTitle: "放大 zoom in", zoomOutTitle: "缩小 zoom out" }).addTo(map);
  var north = L.control({ position: "topright" });
  north.onAdd = function () {
    return el("div", { "class": "north", title: "北 north", role: "img", "aria-label": "正北朝上 north is up" }, [
      luyu.svg("svg", { viewBox: "0 0 20 30", width: 20, height: 30, "aria-hidden": "true" }, [
        luyu.svg("polygon", { points: "10,2 16,26 10,21 4,26", fill: "#222", stroke: "#fff" })]), el("b", { text: "北N" })]);
  };
  north.addTo(map);
  L.control.scale({ imperial: false, position: "bottomright", maxWidth: 140 }).addTo(map);
  map.getContainer().setAttribute("aria-label", "地图 map; 线索见清单 clues are in the list");
  map.getContainer().setAttribute("role", "application");
  ground.whole();
  map.on("moveend", ground.relabel);
  ground.relabel();

  return {
    map: map,
    show: marks.show,
    pick: marks.pick,
    area: marks.area,
    onScreen: marks.onScreen,
    whole: ground.whole,
    stakeAt: ground.stakeAt,
    // A stake that somebody looks for; null takes the pin away.
    pin: function (at, text) {
      if (pin) { map.removeLayer(pin); pin = null; }
      if (!at) return;
      pin = L.circleMarker(at, { renderer: live, interactive: false, radius: 9, color: "#c8201e", weight: 4, fill: false })
        .bindTooltip(el("b", { text: text }), { permanent: true, direction: "top", offset: [0, -8] }).addTo(map);
      map.setView(at, Math.max(map.getZoom(), 15), { animate: false });
    }
  };
};

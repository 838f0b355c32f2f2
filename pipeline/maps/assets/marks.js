// The findings on the map: symbols from afar, footprints from near by; where they would lie on each other, one circle
// with their number. Only what is in view is given to the canvas, so that thousands pan as a few do.
luyu.Marks = function (map, live, onPick) {
  var data = luyu.data, el = luyu.el;
  var near = 16, far = 14;                 // zoom from which symbols give way to footprints; from which those are drawn
  var most = 250, cell_px = 80;            // more than this in view are drawn together, by cells of this width

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
  var Cluster = L.CircleMarker.extend({
    _updatePath: function () {
      this._renderer._updateCircle(this);
      var ctx = this._renderer._ctx;
      if (!this._renderer._drawing || this._empty()) return;
      ctx.save();
      ctx.globalAlpha = 1;
      ctx.fillStyle = "#fff";
      ctx.font = "bold 13px sans-serif";
      ctx.textAlign = "center";
      ctx.textBaseline = "middle";
      ctx.fillText(this.options.count, this._point.x, this._point.y);
      ctx.restore();
    }
  });

  var group = L.layerGroup().addTo(map), ring = null, shown = [], drawn = 0;

  function look(finding) {
    var undetermined = finding.membership !== "inside";
    return {
      renderer: live, color: "#1b1b1b", weight: undetermined ? 1.5 : 1, dashArray: undetermined ? "3 2" : null,
      fillColor: luyu.colour(finding), fillOpacity: undetermined ? 0.55 : 0.9
    };
  }
  function mark(finding) {
    if (!finding.mark) {
      finding.mark = told(finding, new Mark([finding.at[1], finding.at[0]], Object.assign({ radius: 7, shape: luyu.kinds[finding.kind].shape }, look(finding))));
    }
    return finding.mark;
  }
  function area(finding) {
    if (!finding.area) {
      var styled = look(finding);
      finding.area = told(finding, L.polygon(luyu.areas(finding.shape), Object.assign(styled, {
        color: luyu.colour(finding), weight: 3, fillOpacity: 0.15, dashArray: styled.dashArray ? "6 4" : null
      })));
    }
    return finding.area;
  }
  function told(finding, layer) {
    layer.on("click", function (event) {
      if (map.getContainer().classList.contains("measuring")) return;
      L.DomEvent.stopPropagation(event);
      onPick(finding);
    });
    return layer.bindTooltip(function () {
      return el("span", {}, [luyu.label(luyu.kind(finding)), el("br"), luyu.placeLabel(finding)]);
    }, { direction: "top", offset: [0, -6] });
  }
  function cluster(findings) {
    var bounds = L.latLngBounds(findings.map(function (f) { return [f.at[1], f.at[0]]; }));
    var open = findings.some(function (f) { return !luyu.settled(f); });
    return new Cluster(bounds.getCenter(), {
      renderer: live, radius: 12 + Math.min(8, Math.log(findings.length) * 2), count: String(findings.length),
      color: "#fff", weight: 2, fillColor: open ? "#14507a" : "#5a646d", fillOpacity: 0.92
    }).on("click", function (event) {
      L.DomEvent.stopPropagation(event);
      if (map.getZoom() < 18) map.fitBounds(bounds.pad(0.1), { maxZoom: Math.min(18, map.getZoom() + 3), animate: false });
      else onPick(findings[0]);
    }).bindTooltip(el("span", {}, [el("b", { text: findings.length + " " }), luyu.label(luyu.word("findings"))]), { direction: "top" });
  }

  function draw() {
    var zoom = map.getZoom(), view = map.getBounds().pad(0.3), wanted = new Set(), inView = [];
    shown.forEach(function (f) { if (view.contains([f.at[1], f.at[0]])) inView.push(f); });
    if (zoom < near && inView.length > most) together(inView, zoom).forEach(function (layer) { wanted.add(layer); });
    else {
      // The most urgent come last and so lie on top.
      for (var i = inView.length - 1; i >= 0; i--) {
        if (zoom >= far) wanted.add(area(inView[i]));
        if (zoom < near) wanted.add(mark(inView[i]));
      }
    }
    group.eachLayer(function (layer) { if (!wanted.has(layer)) group.removeLayer(layer); });   // an open tooltip keeps its mark
    wanted.forEach(function (layer) { if (!group.hasLayer(layer)) group.addLayer(layer); });
    drawn = wanted.size;
  }
  function together(findings, zoom) {
    var cells = {};
    findings.forEach(function (f) {
      var p = map.project([f.at[1], f.at[0]], zoom), key = Math.floor(p.x / cell_px) + " " + Math.floor(p.y / cell_px);
      (cells[key] = cells[key] || []).push(f);
    });
    return Object.keys(cells).map(function (key) { return cells[key].length > 1 ? cluster(cells[key]) : mark(cells[key][0]); });
  }

  // On a phone the card lies over the lower part of the map: bring the place into what is left.
  function uncover(at) {
    var frame = map.getContainer().getBoundingClientRect();
    var cover = document.getElementById("card").getBoundingClientRect();
    if (!cover.height || cover.left > frame.left || cover.top >= frame.bottom) return;
    var free = Math.max(cover.top - frame.top, 0), y = map.latLngToContainerPoint(at).y;
    map.panBy([0, y - free / 2], { animate: false });
  }

  map.on("moveend", draw);
  return {
    area: area,
    show: function (findings) { shown = findings; draw(); },
    pick: function (finding, move) {
      if (ring) { map.removeLayer(ring); ring = null; }
      if (!finding) return;
      var at = [finding.at[1], finding.at[0]];
      ring = L.circleMarker(at, { renderer: live, interactive: false, radius: 14, color: "#000", weight: 3, fill: false }).addTo(map);
      ring.bringToFront();
      if (move) map.setView(at, Math.max(map.getZoom(), 17), { animate: false });
      uncover(at);
    },
    onScreen: function () { return { marks: drawn, zoom: map.getZoom() }; }
  };
};

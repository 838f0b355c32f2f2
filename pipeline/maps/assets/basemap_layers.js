// Layers of basemaps: pictures of a service, and tiles that came with the page. None of them limits how far one may zoom.
(function () {
  "use strict";
  var HIDDEN = 24, ABOVE = 6;               // deepest zoom of the map; levels above a missing tile that may stand in for it

  // GCJ-02 of a place, by the public formula, as in pipeline/geo/gcj02.py.
  function toGcj02(at) {
    var x = at.lng - 105, y = at.lat - 35, pi = Math.PI, sin = Math.sin;
    var wave = (20 * sin(6 * x * pi) + 20 * sin(2 * x * pi)) * 2 / 3, root = Math.sqrt(Math.abs(x));
    var north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + wave;
    north += (20 * sin(y * pi) + 40 * sin(y / 3 * pi)) * 2 / 3;
    north += (160 * sin(y / 12 * pi) + 320 * sin(y * pi / 30)) * 2 / 3;
    var east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + wave;
    east += (20 * sin(x * pi) + 40 * sin(x / 3 * pi)) * 2 / 3;
    east += (150 * sin(x / 12 * pi) + 300 * sin(x / 30 * pi)) * 2 / 3;
    var phi = at.lat * pi / 180, axis = 6378245, e2 = 0.00669342162296594323, magic = 1 - e2 * sin(phi) * sin(phi);
    var northDeg = north * Math.pow(magic, 1.5) / (axis * (1 - e2)) * 180 / pi;
    var eastDeg = east * Math.sqrt(magic) / (axis * Math.cos(phi)) * 180 / pi;
    return L.latLng(at.lat + northDeg, at.lng + eastDeg);
  }

  // Mixed into a layer: its pictures lie in GCJ-02, so the whole grid is moved back by the shift at the view's centre. What
  // is left grows with the distance from there: about a metre at 300 m.
  var MOVED = {
    _shiftAt: function (centre, zoom) {
      var to = L.latLng(centre);
      return this._map.project(toGcj02(to), zoom).subtract(this._map.project(to, zoom));
    },
    _getTiledPixelBounds: function (centre) {
      var bounds = L.GridLayer.prototype._getTiledPixelBounds.call(this, centre), by = this._shiftAt(centre, this._tileZoom);
      return L.bounds(bounds.min.add(by), bounds.max.add(by));
    },
    _setZoomTransform: function (level, centre, zoom) {
      this._lay(level, centre, zoom, this._map._getNewPixelOrigin(centre, zoom));
    },
    _lay: function (level, centre, zoom, origin) {
      var scale = this._map.getZoomScale(zoom, level.zoom);
      var at = level.origin.multiplyBy(scale).subtract(origin).subtract(this._shiftAt(centre, zoom)).round();
      if (L.Browser.any3d) L.DomUtil.setTransform(level.el, at, scale);
      else L.DomUtil.setPosition(level.el, at);
    },
    _onMoveEnd: function () {               // the map was moved without a zoom: the shift is another one here
      var map = this._map, layer = this;
      if (!map || map._animatingZoom) return;
      Object.keys(this._levels).forEach(function (zoom) {
        layer._lay(layer._levels[zoom], map.getCenter(), map.getZoom(), map.getPixelOrigin());
      });
      L.GridLayer.prototype._onMoveEnd.call(this);
    }
  };
  var FREE = { beforeAdd: function () {} };  // Leaflet would let a layer's levels limit the map's zoom

  function quadkey(at) {
    var digits = "";
    for (var bit = at.z - 1; bit >= 0; bit--) digits += (at.x >> bit & 1) + 2 * (at.y >> bit & 1);
    return digits;
  }
  function address(template, entry, at, key) {
    var below = Math.pow(2, at.z) - 1 - at.y, row = entry.tms ? below : at.y, hosts = entry.subdomains;
    var known = {
      z: at.z, x: at.x, y: row, "-y": below, q: quadkey(at), key: encodeURIComponent(key || ""),
      s: hosts.length ? hosts[(at.x + at.y) % hosts.length] : "", TileMatrix: at.z, TileRow: row, TileCol: at.x
    };
    return template.replace(/\{([^{}]*)\}/g, function (hole, name) {
      return Object.prototype.hasOwnProperty.call(known, name) ? known[name] : hole;
    });
  }
  var Asked = L.TileLayer.extend(FREE).extend({
    getTileUrl: function (at) { return address(this._url, this.options.entry, { x: at.x, y: at.y, z: this._tileZoom }, this.options.key); }
  });

  // "z/x/y" -> address of the picture
  function shelf(entry) {
    if (entry.tiles) return entry.tiles;
    var known = {};
    Object.keys(entry.present).forEach(function (kind) {
      Object.keys(entry.present[kind]).forEach(function (z) {
        Object.keys(entry.present[kind][z]).forEach(function (x) {
          var runs = entry.present[kind][z][x];
          for (var i = 0; i < runs.length; i += 2) {
            for (var y = runs[i]; y < runs[i] + runs[i + 1]; y++) {
              known[z + "/" + x + "/" + y] = entry.folder + "/" + z + "/" + x + "/" + y + "." + kind;
            }
          }
        });
      });
    });
    return known;
  }
  // Tiles beside or in the page. Where one is missing, the part of a coarser one is shown that lies there.
  var Carried = L.GridLayer.extend(FREE).extend({
    createTile: function (at, done) {
      var box = luyu.el("div", { "class": "basemap-tile" }), side = this.getTileSize().x, shown = this.options.shown;
      for (var up = 0; up <= ABOVE && up <= at.z; up++) {
        var parts = Math.pow(2, up), x = Math.floor(at.x / parts), y = Math.floor(at.y / parts);
        var source = shown[at.z - up + "/" + x + "/" + y];
        if (source) return this._cut(box, source, side, parts, at.x - x * parts, at.y - y * parts, done);
      }
      setTimeout(function () { done(null, box); }, 0);
      return box;
    },
    _cut: function (box, source, side, parts, right, down, done) {
      var picture = luyu.el("img", { alt: "", draggable: "false" });
      picture.style.width = picture.style.height = side * parts + "px";
      picture.style.left = -side * right + "px";
      picture.style.top = -side * down + "px";
      picture.addEventListener("load", function () { done(null, box); });
      picture.addEventListener("error", function () { done(new Error("no picture"), box); });
      picture.src = source;
      box.appendChild(picture);
      return box;
    }
  });
  var classes = { plain: [Asked, Carried], moved: [Asked.extend(MOVED), Carried.extend(MOVED)] };

  // The Leaflet layers of one entry of the page's data, the lowest first.
  function layersOf(entry, key) {
    var kinds = entry.shift ? classes.moved : classes.plain;
    var options = { pane: "basemap", minZoom: entry.minZoom, maxNativeZoom: entry.maxZoom, maxZoom: HIDDEN, entry: entry, key: key };
    if (!entry.online) return [new kinds[1](Object.assign(options, { shown: shelf(entry) }))];
    return entry.urls.map(function (url) { return new kinds[0](url, Object.assign({}, options)); });
  }
  luyu.basemapLayers = layersOf;
  luyu.toGcj02 = toGcj02;
})();

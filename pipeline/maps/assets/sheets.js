// For paper: one A4 page for each finding that the filters leave, with both pictures side by side, a sketch of the place,
// the facts, and room for what is found there.
luyu.Sheets = function (root, list, card) {
  var data = luyu.data, el = luyu.el, svg = luyu.svg, most = 300, decoded = null, opener = null;
  var half_m = [148, 46];                          // of the sketch, east and north

  // Everything that a sketch may show, decoded once: [[lat, lon], ...] with its box.
  function ground() {
    if (decoded) return decoded;
    function boxed(path) { return { path: path, box: L.latLngBounds(path) }; }
    decoded = {
      zones: data.zones.map(function (zone) { return { look: luyu.zones[zone[0]], areas: luyu.areas(zone[2]).map(function (area) { return area.map(boxed); }) }; }),
      roads: [].concat.apply([], data.roads.map(function (road) { return luyu.lines(road[3]).map(boxed); }))
    };
    return decoded;
  }
  function sketch(finding) {
    var at = finding.at, deg = [half_m[0] / luyu.metres(at, [at[0] + 1e-3, at[1]]) * 1e-3, half_m[1] / luyu.metres(at, [at[0], at[1] + 1e-3]) * 1e-3];
    var window_ = L.latLngBounds([at[1] - deg[1] * 1.1, at[0] - deg[0] * 1.1], [at[1] + deg[1] * 1.1, at[0] + deg[0] * 1.1]);
    var box = L.bounds([window_.getWest(), window_.getSouth()], [window_.getEast(), window_.getNorth()]);
    function xy(lonlat) { var by = luyu.offset_m(at, lonlat); return [by[0].toFixed(1), (-by[1]).toFixed(1)]; }
    function d(ring) {
      var cut = L.PolyUtil.clipPolygon(ring.map(function (p) { return L.point(p[1], p[0]); }), box);
      return cut.length ? "M" + cut.map(function (p) { return xy([p.x, p.y]).join(" "); }).join("L") + "Z" : "";
    }
    function line(path) {
      var out = "";
      for (var i = 1; i < path.length; i++) {
        var part = L.LineUtil.clipSegment(L.point(path[i - 1][1], path[i - 1][0]), L.point(path[i][1], path[i][0]), box);
        if (part) out += "M" + xy([part[0].x, part[0].y]).join(" ") + "L" + xy([part[1].x, part[1].y]).join(" ");
      }
      return out;
    }
    var shapes = [];
    ground().zones.forEach(function (zone) {
      var path = zone.areas.map(function (area) {
        return area.length && area[0].box.intersects(window_) ? area.map(function (ring) { return ring.box.intersects(window_) ? d(ring.path) : ""; }).join("") : "";
      }).join("");
      // Edges are drawn by themselves: where the window cuts an area there is none.
      var edges = zone.areas.map(function (area) { return area.map(function (ring) { return ring.box.intersects(window_) ? line(ring.path.concat([ring.path[0]])) : ""; }).join(""); }).join("");
      if (path) shapes.push(svg("path", { d: path, fill: zone.look.fill, "fill-opacity": 0.45, "fill-rule": "evenodd" }), svg("path", { d: edges, fill: "none", stroke: zone.look.line, "stroke-width": 0.5 }));
    });
    ground().roads.forEach(function (road) {
      if (road.box.intersects(window_)) shapes.push(svg("path", { d: line(road.path), fill: "none", stroke: "#4a5560", "stroke-width": 1 }));
    });
    data.stakes.forEach(function (row) {
      if (!window_.contains([row[1], row[0]])) return;
      var p = xy([row[0], row[1]]);
      shapes.push(svg("circle", { cx: p[0], cy: p[1], r: 1.6, fill: "#fff", stroke: "#333", "stroke-width": 0.5 }), svg("text", { x: Number(p[0]) + 3, y: Number(p[1]) - 2, "font-size": 6, text: row[2] }));
    });
    shapes.push(svg("path", { d: luyu.areas(finding.shape).map(function (area) { return area.map(d).join(""); }).join(""), fill: "#d55e00", "fill-opacity": 0.35, stroke: "#a33c00", "stroke-width": 0.9, "fill-rule": "evenodd" }));
    shapes.push(svg("path", { d: "M-140 40h50M-140 37v6M-90 37v6", stroke: "#111", fill: "none", "stroke-width": 0.8 }), svg("text", { x: -115, y: 37, "font-size": 6, "text-anchor": "middle", text: "50 m" }));
    shapes.push(svg("path", { d: "M138 -43l4 13l-4 -3l-4 3z", fill: "#111" }), svg("text", { x: 138, y: -22, "font-size": 6, "text-anchor": "middle", text: "北N" }));
    return svg("svg", { "class": "sketch", viewBox: [-half_m[0], -half_m[1], 2 * half_m[0], 2 * half_m[1]].join(" "), role: "img", "aria-label": "位置示意图 sketch" }, shapes);
  }

  function pair(finding) {
    var uris = luyu.pictures(finding);
    if (!uris) return el("p", { "class": "note" }, [luyu.label(luyu.word("no_chip"))]);
    return el("div", { "class": "pair" }, ["before", "after"].map(function (name, i) {
      var title = luyu.word(name), image = el("img", { alt: luyu.both(title) + " " + finding[name] });
      image.src = uris[i];
      return el("figure", {}, [image, el("figcaption", {}, [luyu.label(title), document.createTextNode(" " + finding[name])])]);
    }));
  }
  function answer(finding) {
    var box = function (pair) { return el("span", { "class": "tick" }, [document.createTextNode("□ "), luyu.label(pair)]); };
    return el("div", { "class": "answer" }, [
      el("p", {}, [luyu.label(luyu.word("verdict"), "b")].concat(data.form.verdicts.map(function (one) { return box([one[1], one[2]]); }))),
      el("p", {}, [luyu.label(luyu.word("note"), "b"), el("span", { "class": "line" })]),
      el("p", {}, [luyu.label(luyu.word("by"), "b"), el("span", { "class": "line short" }), luyu.label(luyu.word("on_day"), "b"), el("span", { "class": "line short" })])
    ]);
  }
  function sheet(finding, number, of) {
    var left_out = { evidence: 1, scene_before: 1, scene_after: 1, shift_px: 1, detector: 1, transience: 1, doubts: 1 };
    var wide = { why: 1, law: 1, next_step: 1 };
    var facts = el("dl", {});
    var lines = card.facts(finding);               // long ones take a row of their own, first
    lines.filter(function (line) { return wide[line[0]]; }).concat(lines.filter(function (line) { return !wide[line[0]]; })).forEach(function (line) {
      if (left_out[line[0]]) return;
      facts.appendChild(el("dt", {}, [luyu.label(luyu.word(line[0]))]));
      facts.appendChild(el("dd", { "class": wide[line[0]] ? "wide" : null }, [luyu.label(line[1])]));
    });
    return el("article", { "class": "sheet" }, [
      el("header", {}, [luyu.symbol(finding.kind, luyu.colour(finding)), el("h2", {}, [luyu.label(luyu.kind(finding))]),
        el("b", { "class": "where" }, [luyu.placeLabel(finding)]), el("span", { "class": "no", text: number + "/" + of })]),
      el("p", { "class": "of" }, [document.createTextNode(data.county.name + " " + data.county.code + " · " + data.run + " · "), luyu.label(luyu.status(finding)),
        document.createTextNode(" · "), luyu.label(luyu.word("priority")), document.createTextNode(" " + finding.priority + " · "), luyu.label(luyu.word("confidence")), document.createTextNode(" " + finding.confidence)]),
      el("div", { "class": "look" }, [pair(finding), sketch(finding)]), facts, answer(finding),
      el("footer", {}, [luyu.label(data.disclaimer), document.createTextNode(" · 内部资料 internal")])
    ]);
  }
  function open() {
    opener = document.activeElement;
    var findings = list.shown(), some = findings.slice(0, most);
    root.textContent = "";
    root.appendChild(el("div", { "class": "bar-of-sheets" }, [
      el("h2", {}, [luyu.label(luyu.word("sheets")), el("span", { text: " " + some.length })]),
      luyu.button("print_now", function () { ready().then(function () { window.print(); }); }), luyu.button("back_to_map", close),
      findings.length > most ? el("p", { "class": "note", text: some.length + "/" + findings.length + "：请用筛选分批打印 print the rest by filters" }) : null
    ]));
    some.forEach(function (finding, i) { root.appendChild(sheet(finding, i + 1, some.length)); });
    root.hidden = false;
    document.body.classList.add("with-sheets");
    window.scrollTo(0, 0);
    root.querySelector("button").focus();
  }
  function ready() {                               // a picture that is not decoded yet prints as a blank
    return Promise.all(Array.prototype.map.call(root.querySelectorAll("img"), function (image) {
      return image.decode ? image.decode().catch(function () { return null; }) : null;
    }));
  }
  function close() {
    root.hidden = true;
    root.textContent = "";
    document.body.classList.remove("with-sheets");
    if (opener && document.contains(opener)) opener.focus({ preventScroll: true });
  }
  document.addEventListener("keydown", function (event) { if (event.key === "Escape" && !root.hidden) { event.stopImmediatePropagation(); close(); } });
  return { open: open, ready: ready };
};

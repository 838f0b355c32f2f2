// The page's data and the few ways to make elements of it. Text goes in by textContent only; nothing is ever parsed
// as HTML. Written for browsers from 2018 on: no optional chaining, no modules.
"use strict";
var luyu = (function () {
  var data = JSON.parse(document.getElementById("luyu-data").textContent);
  var SVG = "http://www.w3.org/2000/svg";

  function put(node, attributes, children) {
    Object.keys(attributes || {}).forEach(function (name) {
      var value = attributes[name];
      if (name === "text") node.textContent = value;
      else if (name.slice(0, 2) === "on") node.addEventListener(name.slice(2), value);
      else if (value === true) node.setAttribute(name, "");
      else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
    });
    (children || []).forEach(function (child) { if (child) node.appendChild(child); });
    return node;
  }
  function el(tag, attributes, children) { return put(document.createElement(tag), attributes, children); }
  function svg(tag, attributes, children) { return put(document.createElementNS(SVG, tag), attributes, children); }

  // A label in both languages, of which the page's language hides one; a text from data stays as it is.
  function label(pair, tag) {
    if (typeof pair === "string") return el(tag || "span", { text: pair });
    if (!pair[1] || pair[1] === pair[0]) return el(tag || "span", { "class": "label", text: pair[0] });
    return el(tag || "span", { "class": "label" }, [
      el("span", { "class": "zh", lang: "zh-CN", text: pair[0] }), el("span", { "class": "en", lang: "en", text: pair[1] })
    ]);
  }
  function word(name) { return data.words[name] || data.columns[name] || [name, ""]; }
  function both(pair) { return typeof pair === "string" ? pair : [pair[0], pair[1]].filter(Boolean).join(" "); }
  function named(words, name) { return words[name] || [name, name]; }
  function button(name, action, more) {
    return el("button", Object.assign({ type: "button", "data-action": name, onclick: action }, more), [label(word(name))]);
  }
  function text(place) { return data.texts[place]; }

  // x0, y0, dx, dy, ... in 1e-6 degrees -> [[lat, lon], ...]
  function latlngs(flat) {
    var x = 0, y = 0, out = [];
    for (var i = 0; i < flat.length; i += 2) {
      x += flat[i];
      y += flat[i + 1];
      out.push([y / 1e6, x / 1e6]);
    }
    return out;
  }
  function lines(parts) { return parts.map(latlngs); }
  function areas(parts) { return parts.map(lines); }

  // Metres east and north from one place to another near it, on the ellipsoid of CGCS2000.
  function offset_m(from, to) {
    var a = 6378137, e2 = 0.0066943800229, phi = (from[1] + to[1]) / 2 * Math.PI / 180;
    var w = Math.sqrt(1 - e2 * Math.sin(phi) * Math.sin(phi)), deg = Math.PI / 180;
    return [(to[0] - from[0]) * deg * a / w * Math.cos(phi), (to[1] - from[1]) * deg * a * (1 - e2) / (w * w * w)];
  }
  function metres(from, to) { var by = offset_m(from, to); return Math.sqrt(by[0] * by[0] + by[1] * by[1]); }

  var SHAPES = data.shapes, GREY = data.grey;   // corners round (0, 0) with radius 1; a kind without is a circle

  var kinds = {};
  data.kinds.forEach(function (k) { kinds[k[0]] = { zh: k[1], en: k[2], colour: k[3], shape: k[4] }; });
  var zones = {};
  data.zoneStyles.forEach(function (z) { zones[z[0]] = { zh: z[1], en: z[2], fill: z[3], line: z[4] }; });

  function settled(finding) { return data.settled.indexOf(finding.status) >= 0; }
  function colour(finding) { return settled(finding) ? GREY : kinds[finding.kind].colour; }
  function kind(finding) { return [kinds[finding.kind].zh, kinds[finding.kind].en]; }
  function zone(finding) { var z = zones[finding.zone]; return z ? [z.zh, z.en] : [finding.zone, ""]; }
  function status(finding) { return named(data.status, finding.status); }
  function today() {                            // in China, where deadlines are
    return new Date(Date.now() + 8 * 3600000).toISOString().slice(0, 10);
  }
  function overdue(finding) { return Boolean(finding.due) && finding.due < today(); }

  // A kind's symbol as a small picture for lists and legends.
  function symbol(name, fill) {
    var corners = SHAPES[kinds[name].shape];
    var look = { fill: fill || kinds[name].colour, stroke: "#222", "stroke-width": 1 };
    var shape = corners
      ? svg("polygon", Object.assign(look, { points: corners.map(function (c) { return [c[0] * 6 + 8, c[1] * 6 + 8]; }).join(" ") }))
      : svg("circle", Object.assign(look, { cx: 8, cy: 8, r: 6 }));
    return svg("svg", { "class": "symbol", viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" }, [shape]);
  }

  // Where a finding is: a text to be copied, and the same in the page's languages.
  function place(finding) {
    return [finding.route, finding.stake, finding.side ? named(data.sides, finding.side)[0] : ""].filter(Boolean).join(" ");
  }
  function placeLabel(finding) {
    return el("span", {}, [document.createTextNode([finding.route, finding.stake].filter(Boolean).join(" ") + " "),
      finding.side ? label(named(data.sides, finding.side)) : null]);
  }

  // The pictures of a finding; null: it has none; undefined: the page is still being read.
  function pictures(finding) {
    if (finding.pictures === undefined) return null;
    if (typeof finding.pictures !== "number") return finding.pictures;
    var block = document.getElementById("pictures-" + finding.pictures);
    if (!block && document.readyState === "loading") return undefined;
    return block ? JSON.parse(block.textContent) : null;
  }

  data.findings.forEach(function (f) { f.coordinates = f.at[0].toFixed(6) + ", " + f.at[1].toFixed(6); });

  // On file:// and in old browsers the clipboard interface is missing: fall back to a selected text field.
  function copy(words, button) {
    function done() {
      var label = button.querySelector(".label");
      button.textContent = "";
      button.appendChild(luyu.label(word("copied")));
      setTimeout(function () { button.textContent = ""; button.appendChild(label); }, 1500);
    }
    function byField() {
      var field = el("textarea", { "class": "offscreen", readonly: true, "aria-hidden": "true" });
      field.value = words;
      document.body.appendChild(field);
      field.select();
      if (document.execCommand("copy")) done();
      document.body.removeChild(field);
    }
    if (button.querySelector(".label") === null) return;
    if (navigator.clipboard && window.isSecureContext) navigator.clipboard.writeText(words).then(done, byField);
    else byField();
  }

  // What the browser keeps for this reader; in private windows and some phone viewers it keeps nothing.
  var kept = {
    get: function (key) { try { return localStorage.getItem(key); } catch (error) { return null; } },
    set: function (key, value) {
      try { localStorage.setItem(key, value); return true; } catch (error) { return false; }
    },
    remove: function (key) { try { localStorage.removeItem(key); } catch (error) { /* nothing was kept */ } },
    keys: function () {
      try { return Object.keys(localStorage); } catch (error) { return []; }
    }
  };

  return {
    data: data, el: el, svg: svg, label: label, word: word, both: both, named: named, button: button, text: text,
    latlngs: latlngs, lines: lines, areas: areas, offset_m: offset_m, metres: metres,
    SHAPES: SHAPES, GREY: GREY, kinds: kinds, zones: zones, settled: settled, colour: colour, symbol: symbol,
    kind: kind, zone: zone, status: status, overdue: overdue, place: place, placeLabel: placeLabel, pictures: pictures,
    copy: copy, kept: kept
  };
})();

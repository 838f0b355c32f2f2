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
      else if (value !== false && value !== null) node.setAttribute(name, value);
    });
    (children || []).forEach(function (child) { if (child) node.appendChild(child); });
    return node;
  }
  function el(tag, attributes, children) { return put(document.createElement(tag), attributes, children); }
  function svg(tag, attributes, children) { return put(document.createElementNS(SVG, tag), attributes, children); }

  // A label: Chinese, and English small beside it.
  function label(pair, tag) {
    return el(tag || "span", { "class": "label" }, [
      document.createTextNode(pair[0]),
      pair[1] && pair[1] !== pair[0] ? el("small", { lang: "en", text: " " + pair[1] }) : null
    ]);
  }
  function word(name) { return data.words[name] || data.columns[name] || [name, ""]; }

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

  var SHAPES = data.shapes, GREY = data.grey;   // corners round (0, 0) with radius 1; a kind without is a circle

  var kinds = {};
  data.kinds.forEach(function (k) { kinds[k[0]] = { zh: k[1], en: k[2], colour: k[3], shape: k[4] }; });
  var zones = {};
  data.zoneStyles.forEach(function (z) { zones[z[0]] = { zh: z[1], en: z[2], fill: z[3], line: z[4] }; });

  function settled(finding) { return data.settled.indexOf(finding.status) >= 0; }
  function colour(finding) { return settled(finding) ? GREY : kinds[finding.kind].colour; }

  // A kind's symbol as a small picture for lists and legends.
  function symbol(kind, fill) {
    var corners = SHAPES[kinds[kind].shape];
    var look = { fill: fill || kinds[kind].colour, stroke: "#222", "stroke-width": 1 };
    var shape = corners
      ? svg("polygon", Object.assign(look, { points: corners.map(function (c) { return [c[0] * 6 + 8, c[1] * 6 + 8]; }).join(" ") }))
      : svg("circle", Object.assign(look, { cx: 8, cy: 8, r: 6 }));
    return svg("svg", { "class": "symbol", viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" }, [shape]);
  }

  function place(finding) {
    return [finding.route, finding.stake, finding.side].filter(Boolean).join(" ");
  }

  data.findings.forEach(function (f) { f.coordinates = f.at[0].toFixed(6) + ", " + f.at[1].toFixed(6); });

  // On file:// and in old browsers the clipboard interface is missing: fall back to a selected text field.
  function copy(text, button) {
    function done() {
      var old = button.getAttribute("data-label") || button.textContent;
      button.setAttribute("data-label", old);
      button.textContent = word("copied")[0];
      setTimeout(function () { button.textContent = old; }, 1500);
    }
    function byField() {
      var field = el("textarea", { "class": "offscreen", readonly: true });
      field.value = text;
      document.body.appendChild(field);
      field.select();
      if (document.execCommand("copy")) done();
      document.body.removeChild(field);
    }
    if (navigator.clipboard && window.isSecureContext) navigator.clipboard.writeText(text).then(done, byField);
    else byField();
  }

  return {
    data: data, el: el, svg: svg, label: label, word: word, latlngs: latlngs, lines: lines, areas: areas,
    SHAPES: SHAPES, GREY: GREY, kinds: kinds, zones: zones, settled: settled, colour: colour, symbol: symbol,
    place: place, copy: copy
  };
})();

// The choice of a basemap. None is on at first, and no server is asked before the reader switches one on.
luyu.Basemaps = function (map) {
  "use strict";
  var entries = luyu.data.basemaps, el = luyu.el, label = luyu.label;
  if (!entries || !entries.length) return null;
  var on = null, layers = [], keys = {}, failed = 0, came = 0;

  map.createPane("basemap").style.zIndex = 150;       // under zones, roads and all else

  // ---- keys: typed by the reader, kept in this browser
  function remembered(entry) {
    return entry.key || luyu.kept.get(place(entry)) || keys[entry.keyName] || "";
  }
  function remember(entry, key) {
    keys[entry.keyName] = key;               // where the browser keeps nothing it holds until the page is left
    if (key) luyu.kept.set(place(entry), key); else luyu.kept.remove(place(entry));
  }
  function place(entry) { return "luyu-basemap-key " + entry.keyName; }

  // ---- what is said
  var credit = el("div", { "class": "basemap-credit" }), note = el("p", { "class": "basemap-note", role: "status" });
  var warning = el("div", { "class": "basemap-warning", role: "status" });
  function fill(node, children) {
    node.textContent = "";
    children.forEach(function (child) { if (child) node.appendChild(child); });
    node.hidden = !node.firstChild;
  }
  var said = "";
  function say(name, pair) {                          // once: a reader of the screen is not told the same again
    if (said === name) return;
    said = name;
    fill(note, pair ? [label(pair)] : []);
  }
  function tell() {
    if (!on) { say("", null); return; }
    if (failed && !came) {
      say("failed", on.keyName ? ["底图取不到：没有网络，或密钥不对", "cannot be fetched: no network, or a wrong key"] : ["底图取不到", "cannot be fetched"]);
    } else if (map.getZoom() + 0.5 < on.minZoom) say("near", ["放大后可见", "zoom in to see it"]);
    else if (failed) say("partly", ["部分底图取不到", "cannot be fetched in part"]);
    else say("", null);
  }
  function about(entry) {
    var parts = [entry.credit ? el("span", { text: entry.credit }) : null];
    if (entry.approval) parts.push(el("span", {}, [label(["审图号 ", "approval no. "]), el("span", { text: entry.approval })]));
    fill(credit, [el("span", {}, [label(["底图：", "basemap: "]), label(entry.name)])].concat(parts));
    fill(warning, entry.shift ? [label(["底图为 GCJ-02，已近似纠偏，仍可能相差数米，不作量测依据", "basemap shifted, off by metres; never measure on it"])] : []);
  }

  // ---- on and off
  function off() {
    layers.forEach(function (layer) { map.removeLayer(layer); });
    layers = [];
    on = null;
    failed = came = 0;
    fill(credit, []);
    fill(warning, []);
    tell();
  }
  function show(entry, key) {
    off();
    on = entry;
    layers = luyu.basemapLayers(entry, key);
    layers.forEach(function (layer) {
      layer.on("tileerror", function () { if (on === entry) { failed += 1; tell(); } });
      layer.on("tileload", function () { if (on === entry) { came += 1; tell(); } });
      layer.addTo(map);
    });
    about(entry);
    tell();
  }
  function choose(entry) {
    off();
    ask(entry);
    if (entry && !(entry.keyName && !remembered(entry))) show(entry, entry.keyName ? remembered(entry) : "");
  }

  // ---- the key's field
  var keyBox = el("div", { "class": "basemap-key", hidden: true });
  function ask(entry) {
    if (!entry || !entry.keyName || entry.key) { fill(keyBox, []); return; }
    if (remembered(entry)) {
      fill(keyBox, [el("button", { type: "button", "data-action": "forget-key", onclick: function () { remember(entry, ""); choose(entry); } },
        [label(["删除本机保存的密钥", "forget the key"])])]);
      return;
    }
    var field = el("input", { type: "text", autocomplete: "off", autocapitalize: "off", spellcheck: "false", maxlength: 200 });
    function use() {
      var key = field.value.trim();
      if (!key) { field.focus(); return; }
      remember(entry, key);
      choose(entry);
    }
    field.addEventListener("keydown", function (event) { if (event.key === "Enter") use(); });
    fill(keyBox, [
      el("label", {}, [label(["密钥（只保存在本机浏览器）", "key, kept in this browser only"]), field]),
      el("button", { type: "button", "data-action": "use-key", onclick: use }, [label(["使用", "use"])])
    ]);
  }

  // ---- the control
  function row(entry, index) {
    var id = "basemap-about-" + index, radio = el("input", {
      type: "radio", name: "basemap", value: entry ? entry.id : "", "aria-describedby": entry ? id : null,
      onchange: function () { if (radio.checked) choose(entry); }
    });
    radio.checked = !entry;
    var notes = entry ? entry.notes.map(function (pair) { return el("p", { "class": "note" }, [label(pair)]); }) : [];
    if (entry && entry.online) {
      notes.unshift(el("p", { "class": "note" }, [
        label(["联网底图，对方可知所看位置：", "online, it sees where you look:"]), el("span", { "class": "server", text: " " + entry.server })
      ]));
    }
    return el("div", { "class": "basemap-row" }, [
      el("label", {}, [radio, label(entry ? entry.name : ["无", "none"])]), entry ? el("div", { id: id }, notes) : null
    ]);
  }
  var rows = [null].concat(entries).map(row);
  var box = el("details", { "class": "basemap-switch", open: map.getContainer().clientWidth >= 600 }, [
    el("summary", {}, [label(["底图", "basemap"])]),
    el("fieldset", { "aria-label": "底图 basemap" }, rows.concat([keyBox, note]))
  ]);
  var control = L.control({ position: "topright" });
  control.onAdd = function () { return box; };
  control.addTo(map);
  L.DomEvent.disableClickPropagation(box);
  L.DomEvent.disableScrollPropagation(box);
  var foot = L.control({ position: "bottomright" });
  foot.onAdd = function () { return credit; };
  foot.addTo(map);
  map.getContainer().appendChild(warning);
  fill(credit, []);
  fill(warning, []);
  fill(note, []);
  map.on("zoomend", tell);

  return { shown: function () { return { id: on ? on.id : "", failed: failed, came: came }; } };
};

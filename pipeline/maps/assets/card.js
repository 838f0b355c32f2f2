// The card of one finding with its two pictures under one slider, and the start of the page.
luyu.Card = function (root, turn, onClose) {
  var data = luyu.data, el = luyu.el;

  function button(name, action) {
    return el("button", { type: "button", "data-action": name, onclick: action }, [document.createTextNode(luyu.word(name)[0])]);
  }

  // Both pictures lie on the same place; the upper one is cut at the slider. An <input type=range> over them takes
  // mouse, finger and arrow keys alike, and takes no click that was meant for the map.
  function swipe(finding) {
    var pair = data.chips[finding.id];
    if (!pair || !pair.every(function (uri) { return uri.slice(0, 11) === "data:image/"; })) {
      return el("p", { "class": "note" }, [luyu.label(luyu.word("no_chip"))]);
    }
    var top = el("div", { "class": "upper" }, [picture(pair[0], "before", finding.before)]);
    var bar = el("div", { "class": "bar" });
    var range = el("input", { type: "range", min: 0, max: 100, step: 1, value: 50, "aria-label": luyu.word("swipe").join(" "), oninput: cut });
    var box = el("div", { "class": "swipe" }, [el("div", { "class": "lower" }, [picture(pair[1], "after", finding.after)]), top, bar, range]);
    function cut() {
      var share = Number(range.value);
      top.style.clipPath = top.style.webkitClipPath = "inset(0 " + (100 - share) + "% 0 0)";
      bar.style.left = share + "%";
    }
    cut();
    return box;
  }
  function picture(uri, name, day) {
    var title = luyu.word(name), image = el("img", { alt: title.join(" ") + " " + day, draggable: "false" });
    image.src = uri;
    return el("figure", { "class": name }, [image, el("figcaption", { text: title[0] + " " + day })]);
  }

  function facts(finding) {
    var list = el("dl", {});
    function add(pair, text) {
      list.appendChild(el("dt", {}, [luyu.label(pair)]));
      list.appendChild(el("dd", { text: text }));
    }
    var own = { last_absent: finding.before, first_seen: finding.after, case_no: finding["case"], finding_id: finding.id };
    data.card.forEach(function (name, i) {
      var text = own[name] || finding.card[i];
      if (text) add(luyu.word(name), text);
    });
    add(luyu.word("coordinates"), finding.coordinates);
    return list;
  }
  function evidence(finding) {
    if (!finding.evidence.length) return null;
    return el("details", { "class": "evidence", open: true }, [el("summary", {}, [luyu.label(luyu.word("evidence"))]),
      el("table", {}, [el("tbody", {}, finding.evidence.map(function (term) {
        return el("tr", {}, [el("th", { text: term[0] }), el("td", { text: term[1] })]);
      }))])]);
  }

  function show(finding) {
    var kind = luyu.kinds[finding.kind], status = data.status[finding.status] || [finding.status, ""];
    var stake = luyu.place(finding);
    root.textContent = "";
    [
      el("div", { "class": "head" }, [
        luyu.symbol(finding.kind, luyu.colour(finding)), el("h2", {}, [luyu.label([kind.zh, kind.en])]),
        el("span", { "class": luyu.settled(finding) ? "status settled" : "status" }, [luyu.label(status)]),
        el("button", { type: "button", "class": "close", "aria-label": luyu.word("close").join(" "), onclick: close, text: "×" })
      ]),
      el("p", { "class": "stakeline" }, [el("b", { text: stake }), el("span", { "class": "scores" }, [
        luyu.label(luyu.word("priority")), el("b", { text: " " + finding.priority + "  " }),
        luyu.label(luyu.word("confidence")), el("b", { text: " " + finding.confidence })])]),
      swipe(finding),
      el("p", { "class": "buttons" }, [
        button("copy", function (event) { luyu.copy(stake, event.currentTarget); }),
        button("copy_coordinates", function (event) { luyu.copy(finding.coordinates, event.currentTarget); }),
        button("locate", function () { turn(finding, 0); }),
        button("previous", function () { turn(finding, -1); }),
        button("next", function () { turn(finding, 1); })
      ]),
      data.caveats[finding.kind] ? el("p", { "class": "note caveat" }, [luyu.label(data.caveats[finding.kind])]) : null,
      facts(finding),
      evidence(finding),
      el("p", { "class": "stamp" }, [luyu.label(data.disclaimer)])
    ].forEach(function (node) { if (node) root.appendChild(node); });
    root.hidden = false;
    root.scrollTop = 0;
    document.body.classList.add("with-card");
  }
  function close() {
    root.hidden = true;
    document.body.classList.remove("with-card");
    onClose();
  }
  document.addEventListener("keydown", function (event) { if (event.key === "Escape" && !root.hidden) close(); });
  return { show: show };
};

luyu.start = function (map) {
  var data = luyu.data, el = luyu.el;
  var list, card, chart;
  function pick(finding, move) {
    card.show(finding);
    list.mark(finding);
    map.invalidateSize({ animate: false });
    chart.pick(finding, move);
    location.hash = encodeURIComponent(finding.id);
  }
  chart = luyu.Chart(map, function (finding) { pick(finding, false); });
  list = luyu.List(document.getElementById("list"), chart.show, function (finding) { pick(finding, true); });
  card = luyu.Card(document.getElementById("card"), function (finding, by) {
    var other = by ? list.neighbour(finding, by) : finding;
    if (other) pick(other, true);
  }, function () { chart.pick(null); list.mark(null); map.invalidateSize({ animate: false }); });
  list.filter();

  var tools = document.getElementById("tools");
  tools.appendChild(el("a", { href: "../index.html" }, [luyu.label(luyu.word("back"))]));
  tools.appendChild(el("button", { type: "button", onclick: function () { window.print(); } }, [luyu.label(luyu.word("print"))]));

  // A register or another page may point at one finding: counties/320322.html#finding_id
  function fromAddress() {
    var wanted;
    try { wanted = decodeURIComponent(location.hash.slice(1)); } catch (error) { if (error instanceof URIError) return; throw error; }
    var finding = data.findings.filter(function (f) { return f.id === wanted; })[0];
    if (finding && document.getElementById("card").hidden) pick(finding, true);
  }
  // Paper is narrower than the screen: the map keeps its size and is shown smaller. Drawing it anew would be of no use:
  // what Chromium records of a canvas while printing wipes out every canvas that lies beneath.
  var frame = map.getContainer().style;
  window.addEventListener("beforeprint", function () {
    var size = map.getSize();
    frame.width = size.x + "px";
    frame.height = size.y + "px";
    var card = document.getElementById("card");         // which shares the sheet with the map
    frame.zoom = Math.min(1, 700 / size.x, (card.hidden ? 520 : 320) / size.y);
  });
  window.addEventListener("afterprint", function () { frame.width = frame.height = frame.zoom = ""; });
  window.addEventListener("hashchange", fromAddress);
  fromAddress();
  luyu.chart = chart;
};

// The card of one finding: pictures, place, the way there, why, how sure, history, and the reader's verdict.
luyu.Card = function (root, verdicts, turn, onClose) {
  var data = luyu.data, el = luyu.el, current = null, opener = null;

  // Lines of the card as [label, text or label] pairs; also what print sheets show.
  function facts(finding) {
    var own = {
      zone: luyu.zone(finding), membership: luyu.named(data.memberships, finding.membership), last_absent: finding.before, first_seen: finding.after,
      due_on: finding.due, case_no: finding.case, finding_id: finding.id
    };
    var lines = [];
    data.card.forEach(function (name, i) {
      var text = name in own ? own[name] : luyu.text(finding.card[i]);
      if (luyu.both(text)) lines.push([name, text]);
    });
    lines.push(["coordinates", finding.coordinates]);
    return lines;
  }
  function factList(finding) {
    var list = el("dl", {});
    facts(finding).forEach(function (line) {
      list.appendChild(el("dt", {}, [luyu.label(luyu.word(line[0]))]));
      list.appendChild(el("dd", { "class": line[0] === "due_on" && luyu.overdue(finding) ? "late" : null }, [luyu.label(line[1])]));
    });
    return list;
  }
  function table(rows, bars) {
    var most = Math.max.apply(null, rows.map(function (row) { return Math.abs(Number(row[1])) || 0; }).concat(1e-9));
    return el("table", {}, [el("tbody", {}, rows.map(function (row) {
      var share = Math.min(100, 100 * Math.abs(Number(row[1])) / most) || 0;
      return el("tr", {}, [el("th", { scope: "row" }, [luyu.label(luyu.text(row[0]))]), el("td", { text: row[1] }),
        bars ? el("td", { "class": "share" }, [luyu.svg("svg", { viewBox: "0 0 100 8", width: 80, height: 8, preserveAspectRatio: "none", "aria-hidden": "true" }, [
          luyu.svg("rect", { width: share, height: 8, fill: Number(row[1]) < 0 ? "#b5b9bd" : "#14507a" })])]) : null]);
    }))]);
  }
  function reading(finding) {
    var blocks = [];
    if (finding.cues.length) blocks.push(el("h3", {}, [luyu.label(luyu.word("cues"))]), table(finding.cues, true));
    if (finding.points.length) blocks.push(el("h3", {}, [luyu.label(luyu.word("points"))]), table(finding.points, true));
    if (finding.evidence.length) blocks.push(el("details", { "class": "all-evidence", open: !finding.cues.length }, [el("summary", {}, [luyu.label(luyu.word("all_evidence"))]), table(finding.evidence, false)]));
    if (!blocks.length) return null;
    return el("details", { "class": "evidence", open: true }, [el("summary", {}, [luyu.label(luyu.word("evidence"))])].concat(blocks));
  }
  function history(finding) {
    if (!finding.history.length) return null;
    return el("details", { "class": "history" }, [el("summary", {}, [luyu.label(luyu.word("history")), el("b", { text: " " + finding.history.length })]),
      el("ol", {}, finding.history.map(function (event) {
        var day = event[0] ? new Date(Date.parse(event[0]) + 8 * 3600000).toISOString().slice(0, 10) : "";
        return el("li", {}, [el("time", { datetime: event[0], text: day }), luyu.label(luyu.named(data.acts, event[1]), "b"),
          event[3] && event[3] !== event[0] ? el("span", {}, [luyu.label(luyu.word("image_of")), document.createTextNode(" " + event[3])]) : null,
          luyu.text(event[2]) ? el("span", { text: luyu.text(event[2]) }) : null,
          luyu.both(luyu.text(event[4])) ? luyu.label(luyu.text(event[4])) : null]);
      }))]);
  }

  // Links open the service's own page; only the place and the stake are told to it.
  function ways(finding) {
    var s = finding.shifted, title = encodeURIComponent(luyu.place(finding) || finding.coordinates);
    var links = [
      ["amap", "https://uri.amap.com/marker?position=" + s[0] + "," + s[1] + "&name=" + title + "&src=luyu&coordinate=gaode&callnative=1"],
      ["baidu", "https://api.map.baidu.com/marker?location=" + s[3] + "," + s[2] + "&title=" + title + "&content=" + title + "&output=html&coord_type=bd09ll&src=webapp.luyu.map"],
      ["tencent", "https://apis.map.qq.com/uri/v1/marker?marker=coord:" + s[1] + "," + s[0] + ";title:" + title + ";addr:" + title + "&referer=luyu"]
    ];
    return el("p", { "class": "ways", title: luyu.both(luyu.word("ways_note")) }, [luyu.label(luyu.word("ways"))].concat(links.map(function (link) {
      return el("a", { href: link[1], target: "_blank", rel: "noopener noreferrer", "data-way": link[0] }, [luyu.label(luyu.word(link[0]))]);
    })));
  }

  function show(finding) {
    var stake = luyu.place(finding);
    if (root.hidden) opener = document.activeElement;
    current = finding;
    root.textContent = "";
    [
      el("div", { "class": "head" }, [
        luyu.symbol(finding.kind, luyu.colour(finding)), el("h2", {}, [luyu.label(luyu.kind(finding))]),
        el("span", { "class": luyu.settled(finding) ? "status settled" : "status" }, [luyu.label(luyu.status(finding))]),
        luyu.overdue(finding) ? el("span", { "class": "late" }, [luyu.label(luyu.word("overdue"))]) : null,
        el("button", { type: "button", "class": "close", "aria-label": luyu.both(luyu.word("close")), onclick: close, text: "×" })
      ]),
      el("p", { "class": "stakeline" }, [el("b", {}, [luyu.placeLabel(finding)]), el("span", { "class": "scores" }, [
        luyu.label(luyu.word("priority")), el("b", { text: " " + finding.priority + "  " }),
        luyu.label(luyu.word("confidence")), el("b", { text: " " + finding.confidence })])]),
      finding.earlier ? el("p", { "class": "note" }, [luyu.label(luyu.word("earlier_note"))]) : null,
      luyu.Swipe(finding),
      el("p", { "class": "buttons" }, [
        luyu.button("previous", function () { turn(finding, -1); }), luyu.button("next", function () { turn(finding, 1); }),
        luyu.button("locate", function () { turn(finding, 0); }),
        luyu.button("copy", function (event) { luyu.copy(stake, event.currentTarget); }),
        luyu.button("copy_coordinates", function (event) { luyu.copy(finding.coordinates, event.currentTarget); })
      ]),
      ways(finding),
      luyu.VerdictForm(finding, verdicts),
      data.caveats[finding.kind] ? el("p", { "class": "note caveat" }, [luyu.label(data.caveats[finding.kind])]) : null,
      factList(finding),
      reading(finding),
      history(finding),
      el("p", { "class": "stamp" }, [luyu.label(data.disclaimer)])
    ].forEach(function (node) { if (node) root.appendChild(node); });
    root.hidden = false;
    root.scrollTop = 0;
    document.body.classList.add("with-card");
    root.focus({ preventScroll: true });
  }
  function close() {
    var large = root.querySelector(".large"), row = current && current.row;
    if (large) { large.querySelector(".enlarge").click(); return; }
    root.hidden = true;
    current = null;
    document.body.classList.remove("with-card");
    onClose();
    var back = row && document.contains(row) ? row : opener;             // a row is made anew when its verdict changes
    if (back && document.contains(back)) back.focus({ preventScroll: true });
  }

  // Arrow keys walk on where they have no other meaning; a finger that wipes over the card does too.
  function typing(node) { return /^(INPUT|TEXTAREA|SELECT)$/.test(node.tagName); }
  document.addEventListener("keydown", function (event) {
    if (root.hidden || document.body.classList.contains("with-sheets") || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Escape") close();
    else if ((event.key === "ArrowLeft" || event.key === "ArrowRight") && root.contains(event.target) && !typing(event.target)) {
      event.preventDefault();
      turn(current, event.key === "ArrowRight" ? 1 : -1);
    }
  });
  var start = null;
  root.addEventListener("touchstart", function (event) {
    var over = event.target.closest ? event.target.closest(".swipe, .verdict, .ways") : null;
    start = over || event.touches.length > 1 ? null : [event.touches[0].clientX, event.touches[0].clientY];
  }, { passive: true });
  root.addEventListener("touchend", function (event) {
    if (!start || root.hidden) return;
    var by = [event.changedTouches[0].clientX - start[0], event.changedTouches[0].clientY - start[1]];
    start = null;
    if (Math.abs(by[0]) > 70 && Math.abs(by[0]) > 2 * Math.abs(by[1])) turn(current, by[0] < 0 ? 1 : -1);
  }, { passive: true });

  return { show: show, close: close, facts: facts, current: function () { return current; } };
};

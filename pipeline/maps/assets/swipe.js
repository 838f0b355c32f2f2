// Before and after under one slider. Both pictures lie on the same place; the upper one is cut at the slider. An
// <input type=range> over them takes mouse, finger and arrow keys alike, and takes no click that was meant for the map.
luyu.Swipe = function (finding) {
  var el = luyu.el, holder = el("div", { "class": "evidence-pictures" });

  function safe(uri) { return /^data:image\/(webp|jpeg|png);base64,/.test(uri) || /^[0-9A-Za-z_.-]+\/[0-9A-Za-z_-]+\.(before|after)\.(webp|jpeg|png)$/.test(uri); }
  function picture(uri, name, day) {
    var image = el("img", { alt: luyu.both(luyu.word(name)) + " " + day, draggable: "false", decoding: "async" });
    image.src = uri;
    return el("figure", { "class": name }, [image]);
  }
  function caption(name, day) {
    return el("span", { "class": "caption " + name }, [luyu.label(luyu.word(name)), document.createTextNode(" " + day)]);
  }
  function fill() {
    var pair = luyu.pictures(finding);
    if (pair === undefined) { setTimeout(fill, 30); return; }            // the page is still being read
    holder.textContent = "";
    if (!pair || !pair.every(safe)) { holder.appendChild(el("p", { "class": "note" }, [luyu.label(luyu.word("no_chip"))])); return; }
    var top = el("div", { "class": "upper" }, [picture(pair[0], "before", finding.before)]), bar = el("div", { "class": "bar" });
    var range = el("input", { type: "range", min: 0, max: 100, step: 1, value: 50, "aria-label": luyu.both(luyu.word("swipe")), oninput: cut });
    var large = el("button", { type: "button", "class": "enlarge", "data-action": "enlarge", "aria-pressed": "false", title: luyu.both(luyu.word("enlarge")), "aria-label": luyu.both(luyu.word("enlarge")), onclick: enlarge }, [
      luyu.svg("svg", { viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" }, [
        luyu.svg("path", { d: "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4", fill: "none", stroke: "#222", "stroke-width": 2 })])]);
    holder.appendChild(el("div", { "class": "swipe" }, [el("div", { "class": "lower" }, [picture(pair[1], "after", finding.after)]), top,
      caption("before", finding.before), caption("after", finding.after), bar, range, large]));
    holder.appendChild(el("p", { "class": "note grey" }, [luyu.label(luyu.word("grey"))]));
    function cut() {
      var share = Number(range.value);
      top.style.clipPath = top.style.webkitClipPath = "inset(0 " + (100 - share) + "% 0 0)";
      bar.style.left = share + "%";
      range.setAttribute("aria-valuetext", share + "% " + luyu.both(luyu.word("before")));
    }
    // Over the whole page, and then nothing behind it can be reached by Tab.
    function enlarge() {
      var on = holder.classList.toggle("large");
      large.setAttribute("aria-pressed", String(on));
      holder[on ? "addEventListener" : "removeEventListener"]("keydown", within);
      (on ? range : large).focus();
    }
    function within(event) {
      if (event.key !== "Tab") return;
      event.preventDefault();
      (document.activeElement === range ? large : range).focus();
    }
    cut();
  }
  fill();
  return holder;
};

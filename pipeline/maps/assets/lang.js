// The page's language: Chinese with English beside it, Chinese alone, or English alone. Words stand in the page in both
// languages (.zh and .en), page.css hides one of them; the browser remembers the choice where it may keep things.
(function () {
  "use strict";
  var root = document.documentElement, KEY = "luyu-language", MODES = ["both", "zh", "en"];
  var box = document.getElementById("languages");
  var buttons = box ? Array.prototype.slice.call(box.querySelectorAll("button")) : [];
  function remembered() {
    try { return localStorage.getItem(KEY); } catch (error) { return null; }       // private windows keep nothing
  }
  function choose(mode) {
    root.setAttribute("data-language", mode);
    root.lang = mode === "en" ? "en" : "zh-CN";
    buttons.forEach(function (button) { button.setAttribute("aria-pressed", String(button.getAttribute("data-language") === mode)); });
  }
  buttons.forEach(function (button) {
    button.addEventListener("click", function () {
      var mode = button.getAttribute("data-language");
      choose(mode);
      try { localStorage.setItem(KEY, mode); } catch (error) { /* it holds until the page is left */ }
    });
  });
  var mode = remembered();
  choose(MODES.indexOf(mode) >= 0 ? mode : "both");
})();

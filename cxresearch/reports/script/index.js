// Shows the reports that hold every word typed, and tells how many they are.
(() => {
  "use strict";
  const field = document.getElementById("cx-find");
  const told = document.getElementById("cx-found");
  const plain = (text) => text.normalize("NFKC").toLowerCase();
  const items = [...document.querySelectorAll(".cx-reports > li")];
  const texts = items.map((item) => plain(item.textContent));

  const search = () => {
    const words = plain(field.value).split(/\s+/).filter(Boolean);
    items.forEach((item, i) => {
      item.hidden = !words.every((word) => texts[i].includes(word));
    });
    for (const section of document.querySelectorAll("main > section")) {
      section.hidden = !section.querySelector("li:not([hidden])");
    }
    const count = items.filter((item) => !item.hidden).length;
    const said = [told.dataset.none, told.dataset.one][count] ?? told.dataset.many;
    told.textContent = words.length ? said.replace("{n}", count) : "";
  };

  field.addEventListener("input", search);
  field.closest("[hidden]").hidden = false;
  search();
})();

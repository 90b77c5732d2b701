// What stands beside the pictures, or as a sheet over them: the chat, the people or the statistics, one at a time.

export class Panels {
  /** `shown(name, on)` is told of each change; `names` are ids of the elements. */
  constructor(names, shown) {
    this.names = names;
    this.shown = shown;
    this.open = null;
    for (const name of names) {
      const place = document.getElementById(name);
      place.querySelector(".close").addEventListener("click", () => this.toggle(name));
      place.addEventListener("keydown", (event) => {
        if (event.key === "Escape") this.toggle(name);
      });
    }
  }

  toggle(name) {
    this.show(this.open === name ? null : name);
    // Back to where it was opened.
    if (!this.open) this.button(name).focus();
  }

  button(name) {
    const own = document.querySelector(`.controls [aria-controls="${name}"]`);
    return own?.offsetParent ? own : document.getElementById("more");
  }

  show(open) {
    const before = this.open;
    this.open = open;
    for (const name of this.names) {
      document.getElementById(name).hidden = name !== open;
      if (name === open || name === before) this.shown(name, name === open);
    }
    if (open) document.getElementById(open).querySelector("h2").focus();
  }
}

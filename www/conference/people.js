// Who is in the room, beside the pictures: microphone, camera, hand; for hosts what they may do.
import { arrange, avatar, element, icon, iconButton } from "/shared/dom.js";
import { showMenu } from "/shared/menu.js";

class Person {
  constructor(address, name, own) {
    this.name = name;
    this.marks = element("span", { class: "marks" });
    this.menu = iconButton("more", `What to do with ${name}`);
    this.element = element(
      "li",
      { class: "entry" },
      avatar(name, address),
      element("span", { class: "name", dir: "auto" }, own ? `${name} (you)` : name),
      this.marks,
      this.menu,
    );
  }

  /** `marks`: drawing and label of each; `actions`: of its menu. */
  draw(marks, actions) {
    this.marks.replaceChildren(...marks.map(([drawing, label]) => icon(drawing, label)));
    this.menu.hidden = !actions.length;
    this.menu.onclick = () => showMenu(this.name, actions, this.menu);
  }
}

export class People {
  constructor() {
    this.place = document.getElementById("people");
    this.list = this.place.querySelector(".all");
    this.persons = new Map();
  }

  /** `all`: `{ address, name, own, marks, actions }` of each, in order. */
  draw(all) {
    const rows = all.map(({ address, name, own, marks, actions }) => {
      let person = this.persons.get(address);
      if (person?.name !== name) {
        person = new Person(address, name, own);
        this.persons.set(address, person);
      }
      person.draw(marks, actions);
      return person.element;
    });
    const here = new Set(all.map((person) => person.address));
    for (const address of this.persons.keys()) {
      if (!here.has(address)) this.persons.delete(address);
    }
    arrange(this.list, rows);
  }
}

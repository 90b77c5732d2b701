// What the tests do in the messenger page, as a person does it: by names of buttons and fields.

export class Messenger {
  /** Opens the page as somebody who knows `peers`; `raw` is Playwright's page. */
  static async open(world, person, peers = [], { size, from } = {}) {
    const self = new Messenger();
    self.person = person;
    const url = world.demoAddress("messenger", person, { peers });
    self.page = await world.openPage(from ? url.replace(world.server.url, from) : url);
    self.raw = self.page.raw;
    if (size) await self.raw.setViewportSize(size);
    await self.raw.locator("#app-screen").waitFor();
    await self.raw.getByRole("button", { name: "Your profile" }).waitFor();
    return self;
  }

  button(name, options) {
    return this.raw.getByRole("button", { name, ...options });
  }

  get field() {
    return this.raw.getByRole("textbox", { name: "Message", exact: true });
  }

  /** The row of a conversation in the list. */
  entry(name) {
    return this.raw.locator("#conversations").getByRole("button", { name });
  }

  /** Opens the conversation of the list. */
  async talkTo(name) {
    await this.entry(name).click();
    await this.raw.getByRole("heading", { name, level: 2 }).waitFor();
  }

  async write(text) {
    await this.field.fill(text);
    await this.raw.keyboard.press("Enter");
  }

  /** The message that says this, the last one. */
  message(text) {
    return this.raw.locator(".log .said", { hasText: text }).last();
  }

  sees(text) {
    return this.message(text).waitFor();
  }

  /** The texts in the log, in their order. */
  texts() {
    return this.raw.locator(".log .text").allTextContents();
  }

  /** Chooses from the menu of a message. */
  async choose(text, item) {
    const message = this.message(text);
    await message.hover();
    await message.locator(".more").click();
    await this.raw.getByRole("menuitem", { name: item, exact: true }).click();
  }

  /** Presses the button of a dialog. */
  answer(name) {
    return this.raw.getByRole("dialog").last().getByRole("button", { name, exact: true }).click();
  }

  async details() {
    await this.button("Details").click();
    await this.raw.getByRole("dialog").waitFor();
  }

  attach(...files) {
    return this.raw.locator(".pick").setInputFiles(files);
  }
}

export const textFile = (name, text = "something") => ({
  name,
  mimeType: "text/plain",
  buffer: Buffer.from(text),
});

/** A picture of one colour, made by the page. */
export async function pictureFile(messenger, name, colour = "teal") {
  const bytes = await messenger.raw.evaluate(async (colour) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 400 });
    const context = canvas.getContext("2d");
    context.fillStyle = colour;
    context.fillRect(0, 0, 640, 400);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
    return [...new Uint8Array(await blob.arrayBuffer())];
  }, colour);
  return { name, mimeType: "image/png", buffer: Buffer.from(bytes) };
}

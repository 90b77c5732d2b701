// Firefox through WebDriver: a browser for each person, because WebDriver knows one profile at a time.
import { Builder } from "selenium-webdriver";
import { Options, ServiceBuilder } from "selenium-webdriver/firefox.js";
import { DEADLINE_MS, firefox as program, geckodriver } from "./environment.js";
import { until } from "./until.js";

const PREFERENCES = {
  "media.navigator.streams.fake": true,
  "media.navigator.permission.disabled": true,
  "media.autoplay.default": 0,
  // Without these two it offers no address at which a server on this machine is reached.
  "media.peerconnection.ice.loopback": true,
  "media.peerconnection.ice.obfuscate_host_addresses": false,
  // Nothing but the tests' own servers is asked.
  "app.update.enabled": false,
  "browser.safebrowsing.downloads.remote.enabled": false,
  "browser.safebrowsing.malware.enabled": false,
  "browser.safebrowsing.phishing.enabled": false,
  "datareporting.healthreport.uploadEnabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "services.settings.server": "http://127.0.0.1:1",
  "toolkit.telemetry.enabled": false,
};

export class Firefox {
  name = "Firefox";
  #pages = [];

  static async start() {
    return new Firefox();
  }

  async open(url) {
    const options = new Options().addArguments("-headless").setBinary(program());
    for (const [name, value] of Object.entries(PREFERENCES)) options.setPreference(name, value);
    const driver = await new Builder()
      .forBrowser("firefox")
      .setFirefoxOptions(options)
      .setFirefoxService(new ServiceBuilder(geckodriver()))
      .build();
    await driver.manage().setTimeouts({ script: DEADLINE_MS, pageLoad: DEADLINE_MS });
    const page = new FirefoxPage(driver);
    this.#pages.push(page);
    await driver.get(url);
    return page;
  }

  async stop() {
    await Promise.all(this.#pages.map((page) => page.close()));
  }
}

export class FirefoxPage {
  #driver;
  #closed = false;
  /** Its tab, when there are several. */
  #tab;
  /** WebDriver does one thing at a time, in one tab. */
  #turn = { before: Promise.resolve() };

  constructor(driver) {
    this.#driver = driver;
  }

  /** Another tab of the same browser. */
  async tab(url) {
    this.#tab ??= await this.#driver.getWindowHandle();
    await this.#driver.switchTo().newWindow("tab");
    const other = new FirefoxPage(this.#driver);
    other.#tab = await this.#driver.getWindowHandle();
    other.#turn = this.#turn;
    await this.#driver.get(url);
    return other;
  }

  /** Closes this tab only. */
  leave() {
    return this.#inTurn(() => this.#driver.close());
  }

  #inTurn(what) {
    const turn = this.#turn.before.then(async () => {
      if (this.#tab) await this.#driver.switchTo().window(this.#tab);
      return what();
    });
    this.#turn.before = turn.catch(() => {});
    return turn;
  }

  evaluate(what, argument = null) {
    return this.#inTurn(() => this.#run(what, argument));
  }

  async #run(what, argument) {
    const script = `
      const done = arguments[arguments.length - 1];
      Promise.resolve((${what})(arguments[0])).then(
        (value) => done({ value }),
        (error) => done({ error: String(error) }),
      );`;
    const answer = await this.#driver.executeAsyncScript(script, argument);
    if (answer.error) throw new Error(answer.error);
    return answer.value;
  }

  until(what, argument, deadline = DEADLINE_MS) {
    return until(String(what), () => this.evaluate(what, argument), deadline);
  }

  async reload() {
    await this.#driver.navigate().refresh();
  }

  /** The browser's process is killed: no goodbye at all. */
  async crash() {
    const capabilities = await this.#driver.getCapabilities();
    process.kill(capabilities.get("moz:processID"), "SIGKILL");
    await this.close().catch(() => {});
  }

  async close() {
    if (this.#closed) return;
    this.#closed = true;
    await this.#driver.quit();
  }
}

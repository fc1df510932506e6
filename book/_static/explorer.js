/* "Move every parameter": an explorer alone.  Python runs in a worker and computes the data of a view
   (`qwlib.book.steer`); the sliders and the drawing are the page's own (sliders.js).  Nothing is
   loaded before the button is pressed. */
(() => {
  "use strict";

  const { Trouble, undelivered, explain, live, download, within } = window.qwStart;
  const { checkBrowser, startBar, watched, settled } = window.qwStart;
  const { views, html, keyOf, drawInto } = window.qwSliders;

  /* What a press of the button loads, uncompressed; a test compares it with what was loaded. */
  const MEGABYTES = 17;

  /* The stages of a start, and how many hundredths of it each takes. */
  const STAGES = [
    ["Downloading and compiling Python", 45], // which a browser does together
    ["Loading its packages", 20],
    ["Loading qwlib", 10],
    ["Solving", 25],
  ];

  /* What the worker does.  What a view imports and Python does not find is loaded, and the view asked
     again. */
  async function work({ name, source, packages, archives, late }) {
    const channel = new BroadcastChannel(name); // on which is told before what did not come
    const python = await self.loadPyodide({ indexURL: source, packages });
    const unpack = async (url) =>
      python.unpackArchive(await (await fetch(url)).arrayBuffer(), "wheel");
    postMessage({ stage: 2 });
    await Promise.all(archives.map(unpack));
    postMessage({ stage: 3 });
    const call = async (name, text) => {
      const tried = new Set();
      for (;;) {
        try {
          return python.pyimport("qwlib.book.steer")[name](text);
        } catch (error) {
          const lacks = /ModuleNotFoundError: No module named '(\w+)/.exec(error.message)?.[1];
          if (!lacks || tried.has(lacks)) throw error;
          tried.add(lacks);
          postMessage({ lacks });
          await (late[lacks] ? unpack(late[lacks]) : python.loadPackage(lacks));
        }
      }
    };
    self.onmessage = async ({ data: { name, text } }) => {
      try {
        postMessage({ answer: await call(name, text) });
      } catch (error) {
        channel.postMessage({ failed: error.message.trim().split("\n").at(-1) });
      }
    };
    postMessage({ ready: true });
  }

  /* Whether a reader has started the explorer of this page; where its cell runs anew, the next goes on. */
  let began = false;

  /* The one that was there before; the next keeps its values unless the cell gives others. */
  let last;

  const number = (value, decimals) => value.toFixed(decimals).replace("-", "−");

  customElements.define("qw-explorer", class extends HTMLElement {
    connectedCallback() {
      const source = this.querySelector('script[type="application/json"]');
      if (!source || this.bar) return;
      this.text = source.textContent.trim();
      Object.assign(this, JSON.parse(this.text));
      if (last?.text === this.text) this.values = { ...last.values };
      last = this;
      this.megabytes = MEGABYTES;
      this.button = html("button", { type: "button", class: "qw-run" }, "Move every parameter");
      Object.assign(this, startBar(STAGES, this.button));
      this.button.onclick = () => this.press();
      this.stop.onclick = () => this.ended("Python was stopped; the sliders keep their values.");
      this.say(
        "starts Python in your browser for the sliders of all parameters; nothing to install, " +
          `about ${this.megabytes} MB the first time.`,
        "idle"
      );
      this.shown = html("div", { class: "shown" });
      this.replaceChildren(this.bar, source);
      this.tabIndex = -1;
      if (began) this.begin();
    }

    /* The button may be far from here, and goes: the next Tab is to find the sliders. */
    press() {
      this.focus({ preventScroll: true });
      this.begin();
    }

    /* It may only be moved. */
    disconnectedCallback() {
      setTimeout(() => this.isConnected || this.worker?.terminate());
    }

    /* Ends the worker, says why, and can begin again with the values that are there. */
    ended(words) {
      const worker = this.worker;
      this.worker = this.calm = undefined;
      worker?.terminate();
      clearTimeout(this.patience);
      this.stage?.();
      this.say(words, "failed");
      this.stop.hidden = true;
      this.button.hidden = this.button.disabled = false;
      this.button.textContent = "Start Python again";
    }

    async begin() {
      if (this.worker || this.button.disabled) return;
      this.button.disabled = began = true;
      const pressed = performance.now();
      const stage = (this.stage = this.stages());
      try {
        checkBrowser();
        stage(0);
        const broken = this.launch(await (await download(new URL("config.json", live))).json());
        this.stop.hidden = false;
        await within(10, Promise.race([broken, this.launched]));
        const controls = await within(10, Promise.race([broken, this.ask("controls")]));
        if (!this.controls) this.makeControls(JSON.parse(controls));
        await within(10, Promise.race([broken, this.update()]));
        stage();
        const seconds = Math.round((performance.now() - pressed) / 1000);
        this.bar.dataset.seconds = seconds;
        this.calm = `The sliders are live (ready after ${seconds} s).`;
        this.say(this.calm, "live");
        this.button.hidden = this.stop.hidden = true;
      } catch (error) {
        if (error === "stopped") return;
        console.warn("Move every parameter:", error);
        this.ended(explain(error));
      }
    }

    /* Makes the worker; returns a promise that breaks when what it needs does not come. */
    launch({ sources, explorer: { packages, archives, late } }) {
      const pyodide = new URL(sources.pyodide, live).href;
      const here = (name) => new URL(name, live).href;
      const name = `qw-explorer-${Math.random()}`;
      const options = {
        name,
        source: pyodide,
        packages,
        archives: archives.map(here),
        late: Object.fromEntries(Object.entries(late).map(([name, file]) => [name, here(file)])),
      };
      const main = work.toString().replace(/^async work/, "async function work");
      const source = `
        const failed = ({ message }) =>
          new BroadcastChannel(${JSON.stringify(name)}).postMessage({ failed: message });
        try {
          ${watched(name, "", `${pyodide}pyodide.js`)}
          (${main})(${JSON.stringify(options)}).catch(failed);
        } catch (error) {
          failed(error); // after what has told that a file did not come
        }`;
      const blob = new Blob([source], { type: "text/javascript" });
      const worker = (this.worker = new Worker(URL.createObjectURL(blob)));
      const channel = new BroadcastChannel(name);
      return new Promise((_, lose) => {
        const stopped = worker.terminate.bind(worker);
        worker.terminate = () => {
          stopped();
          channel.close();
          lose("stopped");
          this.fail?.("stopped");
        };
        const fail = (error) => {
          lose(error);
          this.fail?.(error);
        };
        channel.onmessage = ({ data }) => {
          if ("lost" in data) fail(undelivered(data.lost));
          if ("failed" in data) fail(new Trouble(`Python failed: ${data.failed}`));
          if (data.compiled) this.stage(1);
        };
        worker.onerror = ({ message }) => fail(new Trouble(`Python could not go on: ${message}.`));
        this.launched = new Promise((resolve) => {
          worker.onmessage = ({ data }) => {
            if ("stage" in data) this.stage(data.stage);
            if (data.ready) resolve();
            if (data.lacks && this.calm) this.say(`Loading ${data.lacks} …`, "loading");
            if ("answer" in data) this.answered(data.answer);
          };
        });
      });
    }

    /* One question at a time. */
    ask(name) {
      const text = JSON.stringify({ explorer: this.explorer, values: this.values });
      return new Promise((resolve, reject) => {
        this.answered = resolve;
        this.fail = reject;
        this.worker.postMessage({ name, text });
      });
    }

    /* Asks for what belongs to the sliders, until that is what is shown.  Meanwhile what is shown
       is marked: it belongs to other values. */
    async update() {
      this.shown.toggleAttribute("data-stale", true);
      this.changed = true;
      if (this.asking || !this.worker) return;
      this.asking = true;
      this.patience = setTimeout(() => (this.stop.hidden = false), 1000);
      try {
        while (this.changed) {
          this.changed = false;
          this.show(JSON.parse(await this.ask("step")));
        }
        if (this.calm) this.say(this.calm, "live");
      } catch (error) {
        if (error === "stopped") return;
        if (!this.calm) throw error;
        this.ended(explain(error));
      } finally {
        clearTimeout(this.patience);
        this.asking = false;
        if (this.calm) this.stop.hidden = true;
      }
    }

    show({ refused, data, table, note }) {
      this.note.innerHTML = refused ?? note;
      if (refused) return;
      const view = views[data.view](data, () => {});
      this.draw = () => drawInto(this.box, view, 0, data.alt);
      const key = keyOf(view);
      this.key.replaceWith(key);
      this.key = key;
      this.table.innerHTML = table;
      this.draw();
      if (!this.changed) this.shown.removeAttribute("data-stale");
    }

    makeControls(controls) {
      this.controls = html("div", { class: "controls" });
      this.told = html("p", { class: "qw-told", role: "status" });
      this.note = html("div", { class: "note" });
      this.box = html("div", { class: "drawing" });
      this.key = html("ul");
      this.table = html("div", {
        class: "numbers", role: "group", tabindex: 0, "aria-label": "The numbers of the picture",
      });
      this.controls.append(...controls.map((one) => this.control(one)));
      this.shown.append(this.box, this.key, this.table);
      /* Of its looks: there are no data in it. */
      this.bar.after(html("qw-slider", {}, this.controls, this.told, this.note, this.shown));
      new ResizeObserver(() => this.draw?.()).observe(this.box);
    }

    set(name, value) {
      if (this.values[name] === value) return;
      this.values[name] = value;
      this.update();
    }

    /* A slider with its number beside it, which may be typed over; or a list of choices. */
    control({ name, symbol, unit, meaning, value, options, min, max, step, decimals }) {
      const words = html("span", { title: meaning }, symbol, unit && ` (${unit})`);
      if (options) {
        const select = html("select", { "aria-label": meaning }, ...options.map((one) => html("option", {}, one)));
        select.value = value;
        select.onchange = () => this.set(name, select.value);
        return html("div", { class: "control" }, words, select);
      }
      const label = unit ? `${meaning} (${unit.replace("_", "")})` : meaning;
      const range = html("input", { type: "range", min, max, step, value, "aria-label": label });
      const field = html("input", {
        type: "text", inputmode: "decimal", autocomplete: "off", "aria-label": `${label}, as a number`,
      });
      const say = (words) => (this.told.textContent = words.replaceAll("-", "−"));
      const show = (value) => {
        field.value = number(value, decimals);
        range.setAttribute("aria-valuetext", `${field.value} ${unit}`.trim());
      };
      range.oninput = () => {
        const value = Number(Number(range.value).toFixed(9));
        say("");
        show(value);
        this.set(name, value);
      };
      const enter = () => {
        const typed = field.value.trim();
        if (typed === number(this.values[name], decimals)) return;
        const { value, trouble } = settled(typed, { low: min, high: max, step, symbol: symbol.replace("_", "") });
        say(typed && trouble);
        if (value !== "") {
          range.value = value;
          this.set(name, value);
        }
        show(this.values[name]);
      };
      field.onchange = enter;
      field.onkeydown = ({ key }) => {
        if (key === "Escape") show(this.values[name]);
      };
      show(value);
      return html("div", { class: "control" }, words, range, field);
    }
  });
})();

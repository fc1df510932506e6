/* What both ways to run Python in a page share: the explorer alone (explorer.js), and the cells
   (live.js).  What a person sees while it starts, what is loaded and what is said when that does
   not come. */
window.qwStart = (() => {
  "use strict";

  const root = new URL(document.documentElement.dataset.content_root || "./", location.href);
  const live = new URL("live/", root);

  function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
    made.append(...children);
    return made;
  }

  class Trouble extends Error {}

  const explain = (error) => {
    /* A part of Thebe that did not come, as webpack says it. */
    const part = /Loading chunk .*\(\w+: (.*)\)/s.exec(error.message);
    const told = part ? undelivered(part[1]) : error;
    return told instanceof Trouble
      ? told.message
      : `Python could not be started: ${told.message || told}.`;
  };

  /* --- what a person sees while it starts -------------------------------------------------------- */

  /* A bar with a button, and what becomes of it.  `say` returns what was said before; `stages` is
     called when a start begins. */
  function startBar(stages, button) {
    const message = element("span", { class: "qw-run-message", role: "status" });
    const progress = element("progress", { max: 100, "aria-label": "Python starts" });
    const left = element("span", { class: "qw-run-left" });
    const stop = element("button", { type: "button", class: "qw-stop" }, "Stop");
    stop.hidden = true;
    const bar = element("div", { class: "qw-bar" }, button, stop, message, left, progress);
    const say = (text, state = "loading") => {
      const before = [message.textContent, bar.dataset.state];
      message.textContent = text;
      bar.dataset.state = state;
      return before;
    };
    return { bar, stop, say, stages: () => watchStages(stages, say, progress, left) };
  }

  /* Returns what is called with the number of a stage when that begins, and with none at the end.
     How long all will take is told by how long the stages did that are over, and this one where it
     takes longer than they let expect.  The time is no part of the message, or a screen reader would speak each second. */
  function watchStages(stages, say, progress, left) {
    const began = performance.now();
    const before = stages.map((_, now) =>
      stages.slice(0, now).reduce((sum, [, share]) => sum + share, 0)
    );
    let now = -1, start = began, clock;
    const show = () => {
      const [share, done] = [stages[now][1], before[now]];
      const slower = (performance.now() - began) / (done + share);
      const each = done && Math.max((start - began) / done, slower); // ms
      const part = each ? Math.min((performance.now() - start) / (share * each), 1) : 0;
      progress.value = done + share * part;
      const seconds = (each * (100 - done - share * part)) / 1000;
      const rounded = 5 * Math.max(Math.ceil(seconds / 5), 1);
      left.textContent = each ? `about ${rounded} s more` : "";
    };
    return (stage) => {
      if (stage === undefined) {
        clearInterval(clock);
        left.textContent = "";
      } else if (stage > now) {
        now = stage;
        start = performance.now();
        clock ??= setInterval(show, 1000);
        say(`${stages[now][0]} (${now + 1} of ${stages.length}) …`);
        show();
      }
    };
  }

  /* --- loading --------------------------------------------------------------------------------- */

  function checkBrowser() {
    if (location.protocol === "file:") {
      throw new Trouble(
        "A page opened as a file cannot start Python. Run “make serve” in the book's folder " +
          "and open the address that it prints."
      );
    }
    if (typeof WebAssembly !== "object" || typeof Worker !== "function") {
      throw new Trouble("This browser cannot run Python: it lacks WebAssembly or web workers.");
    }
  }

  const undelivered = (url) =>
    new Trouble(`The network did not deliver ${url}. Check the connection and try again.`);

  async function download(url) {
    let answer;
    try {
      answer = await fetch(url);
    } catch {
      throw undelivered(url);
    }
    if (!answer.ok) {
      throw new Trouble(`${url} is not there (status ${answer.status}).`);
    }
    return answer;
  }

  function within(minutes, promise) {
    const text = `Python did not start within ${minutes} minutes.`;
    const late = new Promise((_, reject) =>
      setTimeout(() => reject(new Trouble(text)), 60000 * minutes)
    );
    return Promise.race([promise, late]);
  }

  /* The source of a worker that loads a script, and what that asks for, from the folder where they
     are: a worker itself must come from the site.  On the channel of that name it tells of each file
     that it asks for or that did not come, and of what is compiled; else it would say nothing. */
  const watched = (name, folder, script) =>
    `(${(name, folder, script) => {
      const channel = new BroadcastChannel(name);
      const tell = (message) => channel.postMessage(message);
      const load = self.importScripts.bind(self);
      const here = self.location.href.replace(/[^/]+$/, "");
      self.importScripts = (...urls) => {
        const there = urls.map((url) => String(url).replace(here, folder));
        try {
          load(...there);
        } catch (error) {
          tell({ lost: there.join(", ") });
          throw error;
        }
      };
      const watch = async (url, answer) => {
        try {
          const reader = answer.body.getReader();
          while (!(await reader.read()).done);
        } catch {
          tell({ lost: url });
        }
      };
      for (const name of ["instantiate", "instantiateStreaming"]) {
        const make = WebAssembly[name].bind(WebAssembly);
        WebAssembly[name] = async (...all) => {
          const made = await make(...all);
          tell({ compiled: true });
          return made;
        };
      }
      const fetch = self.fetch.bind(self);
      self.fetch = async (what, ...rest) => {
        const url = String(what.url || what);
        tell({ asked: url });
        try {
          const answer = await fetch(what, ...rest);
          if (!answer.ok) {
            tell({ lost: url });
          }
          watch(url, answer.clone());
          return answer;
        } catch (error) {
          tell({ lost: url });
          throw error;
        }
      };
      self.importScripts(script);
    }})(${[name, folder, script].map((text) => JSON.stringify(text))});`;

  /* --- what is typed beside a slider ------------------------------------------------------------- */

  /* The number that a slider will take, empty if it keeps its own, and what is to be said. */
  function settled(typed, { low, high, step, symbol }) {
    const text = typed.replace("−", "-").replace(/^(-?\d*),(\d)/, "$1.$2");
    /* A number, and a unit if need be. */
    const found = /^(-?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?)\s*([a-zµ].*)?$/i.exec(text);
    if (!found) {
      return { value: "", trouble: `${symbol} keeps its value: “${typed}” is not a number.` };
    }
    const wanted = Number(found[1]);
    const tidy = (number) => Number(number.toFixed(9));
    if (wanted < low || wanted > high) {
      const value = wanted < low ? low : high;
      const trouble = `${symbol} goes from ${low} to ${high}; ${typed} is replaced by ${value}.`;
      return { value, trouble };
    }
    const value = tidy(low + step * Math.round((wanted - low) / step));
    const near = tidy(wanted) === value;
    const trouble = `${symbol} goes in steps of ${step}; ${typed} is rounded to ${value}.`;
    return { value, trouble: near ? "" : trouble };
  }

  return {
    element, Trouble, undelivered, explain, live, download, within,
    checkBrowser, startBar, watched, settled,
  };
})();

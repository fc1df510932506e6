/* "Edit the cells": starts Python in the reader's browser (Pyodide, through Thebe and thebe-lite)
   and makes the code cells of the page editable.  Nothing is loaded before the button is pressed.
   tools/live.py writes live/config.json, which says from where. */
(() => {
  "use strict";

  const { element, Trouble, undelivered, explain, live, download, within } = window.qwStart;
  const { checkBrowser, startBar, watched } = window.qwStart;

  /* What a press of the button loads, uncompressed; what SciPy adds, at once where the first cell
     imports it; and what cells that sweep or judge add when the first of them runs.  Tests compare
     them with what was loaded. */
  const MEGABYTES = 35;
  const SCIPY_MEGABYTES = 20;
  const LATE_MEGABYTES = 7;
  const LATE = /sweep\(|xarray|pandas|\bclaims\b/;

  /* What the kernel is told: which wheels to install, that tqdm's progress bars have no thread to
     watch them, that there is no book to glue numbers into, and that Matplotlib need not say that
     it looks for fonts.  A plain import of tqdm would make Pyodide load its own, another version. */
  const install = (wheels) => `
import piplite
await piplite.install(${JSON.stringify(wheels)}, deps=False)
del piplite
`;
  const noThreads = `
__import__("tqdm").tqdm.monitor_interval = 0
`;
  const standIn = `
import logging, sys, types
from IPython.display import display as show
sys.modules["myst_nb"] = types.ModuleType("myst_nb")
sys.modules["myst_nb"].glue = (
    lambda name, value, display=True, show=show: show(value) if display else None
)
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
del logging, show, sys, types
`;
  const put = (path, text) => `
from pathlib import Path
Path(${JSON.stringify(path)}).parent.mkdir(parents=True, exist_ok=True)
Path(${JSON.stringify(path)}).write_text(${JSON.stringify(text)}, encoding="utf-8")
del Path
`;

  /* The stages of a start, and how many hundredths of it each takes. */
  const STAGES = [
    ["Loading the editor", 7],
    ["Downloading and compiling Python", 11], // which a browser does together
    ["Loading its packages", 36],
    ["Starting the kernel", 22],
    ["Loading qwlib", 4],
    ["Running the imports and the parameters", 20],
  ];

  /* --- loading --------------------------------------------------------------------------------- */

  function load(url, integrity) {
    const checked = { integrity, crossorigin: "anonymous" };
    const node = url.pathname.endsWith(".css")
      ? element("link", { rel: "stylesheet", href: url, ...checked })
      : element("script", { src: url, ...checked });
    return new Promise((resolve, reject) => {
      node.onload = resolve;
      node.onerror = () => {
        node.remove();
        reject(undelivered(url));
      };
      document.head.append(node);
    });
  }

  /* The worker of thebe-lite is one of ours that loads it, and so tells what becomes of it. */
  const workers = [];

  function watchWorkers(heard) {
    const Native = window.Worker;
    window.Worker = class extends Native {
      constructor(url, options) {
        if (!/^https?:/.test(url)) {
          super(url, options);
          workers.push(this);
          return;
        }
        const folder = new URL(".", url).href;
        const name = `qw-live-${Math.random()}`;
        const source = watched(name, folder, String(url));
        super(URL.createObjectURL(new Blob([source], { type: "text/javascript" })), options);
        workers.push(this);
        new BroadcastChannel(name).onmessage = ({ data }) => heard(data);
      }
    };
  }

  /* --- the page's cells ------------------------------------------------------------------------ */

  const cells = () =>
    Array.from(document.querySelectorAll("article div.cell")).filter((cell) =>
      cell.querySelector(".cell_input pre")
    );

  /* Thebe pairs sources and outputs by their order, so every cell gets one output.  Where a figure
     has a caption the output goes into the figure, which so keeps its caption and its number.
     Returns of each cell whether it is to run at once. */
  function markCells() {
    return cells().map((cell, number) => {
      const source = cell.querySelector(".cell_input pre");
      source.setAttribute("data-executable", "true");
      source.setAttribute("data-language", "python");
      cell.querySelectorAll("button.copybtn").forEach((button) => button.remove());
      const output = element("div", { "data-output": "true" });
      let place = cell.querySelector(".cell_output");
      if (!place) {
        place = element("div", { class: "cell_output docutils container" });
        cell.append(place);
      }
      const figure = place.querySelector("figure");
      const caption = figure && figure.querySelector("figcaption");
      if (caption) {
        const before = Array.from(place.childNodes).filter(
          (node) => node !== figure && !node.contains(figure)
        );
        const drawn = Array.from(figure.childNodes).filter((node) => node !== caption);
        output.append(...before, ...drawn);
        figure.prepend(output);
        keepLook(figure);
      } else {
        output.append(...place.childNodes);
        place.append(output);
      }
      return number === 0 || cell.matches(".tag_parameters");
    });
  }

  /* A figure that is drawn anew is as wide as it was, and says the same to who does not see it. */
  function keepLook(figure) {
    const before = figure.querySelector("img");
    if (!before) {
      return;
    }
    const { width } = before.getBoundingClientRect();
    new MutationObserver(() => {
      figure.querySelectorAll("img:not([alt]), img[alt='']").forEach((image) => {
        image.alt = before.alt;
        if (width) {
          image.style.width = `${width}px`;
        }
      });
    }).observe(figure, { childList: true, subtree: true });
  }

  /* What went wrong in a cell, in words, or nothing. */
  function failure(answer) {
    const error = answer?.error?.[0];
    return error && `${error.ename.replace(/<class '(.*)'>/, "$1")}: ${error.evalue}`;
  }

  /* Each cell says when what it shows is not that of its code and of the cells above: after it was
     edited, after a cell above ran with other code, while it runs, and when it failed.  Where it says
     so, a button runs the cell and those below, which `onwards` does.  `began` is called at each run,
     and what it returns in any case after it; `ended` is told what came of it. */
  function followCells(notebook, began, ended, onwards) {
    const all = cells();
    const ran = notebook.cells.map((cell) => cell.source);
    const told = all.map((cell, place) => {
      const line = element("span", { class: "qw-stale", role: "status" });
      const below = element("button", { type: "button", class: "thebe-button qw-below" });
      below.textContent = "run from here down";
      below.onclick = () => onwards(place);
      cell.querySelector(".thebe-controls").append(below, line);
      const editor = cell.querySelector(".CodeMirror").CodeMirror;
      editor.getInputField().setAttribute("aria-label", `Code of cell ${place + 1}`);
      editor.addKeyMap({ Tab: false, "Shift-Tab": false }); // they go to the next field
      editor.on("change", () => {
        line.textContent = editor.getValue() === ran[place] ? "" : "edited, not run yet";
      });
      return line;
    });
    notebook.cells.forEach((cell, place) => {
      const run = cell.execute.bind(cell);
      const once = async (source) => {
        const code = source ?? cell.source;
        const line = told[place];
        line.textContent = "running …";
        const patience = setTimeout(() => {
          if (line.textContent.startsWith("running")) {
            line.textContent = "still running; “Stop” at the top ends it";
          }
        }, 5000);
        const over = began();
        let answer;
        try {
          answer = await run(source);
        } finally {
          clearTimeout(patience);
          over();
          line.textContent = cell.source !== code ? "edited, not run yet" : "";
        }
        const trouble = failure(answer);
        if (trouble) {
          line.textContent = "failed";
        }
        if (code !== ran[place]) {
          ran[place] = code;
          told.slice(place + 1).forEach((other) => {
            other.textContent ||= "a cell above has changed since this ran";
          });
        }
        ended(place, trouble);
        return answer;
      };
      /* A second press while it runs would throw away the answer to the first. */
      let pending;
      cell.execute = (source) => {
        pending ??= once(source).finally(() => (pending = undefined));
        return pending;
      };
    });
  }

  /* --- the button ------------------------------------------------------------------------------ */

  async function start(say, stage) {
    checkBrowser();
    /* Of what the worker waits for it says nothing itself when that does not come. */
    let lost, lose;
    const broken = new Promise((_, reject) => (lose = reject));
    broken.catch(() => {}); // somebody waits for it at times only
    const unbroken = (promise) => within(10, Promise.race([promise, broken]));
    const heard = (message) => {
      if ("lost" in message) {
        lost = undelivered(message.lost);
        lose(lost);
      } else if ("compiled" in message) {
        stage(2);
      } else if (/piplite/.test(message.asked)) {
        stage(3);
      }
    };
    stage(0);
    const config = await (await download(new URL("config.json", live))).json();
    const source = (name) => new URL(config.sources[name], live);
    /* thebe-lite would register a service worker for the whole site, if there were such a thing. */
    Object.defineProperty(navigator, "serviceWorker", { value: undefined, configurable: true });
    /* thebe-lite registers itself with an AMD loader if there is one, and then Thebe misses it. */
    const define = window.define;
    window.define = undefined;
    watchWorkers(heard);
    try {
      for (const [name, file] of [
        ["thebe", "thebe.css"],
        ["thebeLite", "thebe-lite.min.js"],
        ["thebe", "index.js"],
      ]) {
        await load(new URL(file, source(name)), config.integrity[file]);
      }
    } finally {
      window.define = define;
    }
    const pyodide = new URL("pyodide.js", source("pyodide"));

    stage(1);
    const startServer = window.thebeLite.startJupyterLiteServer;
    window.thebeLite.startJupyterLiteServer = () =>
      startServer({
        litePluginSettings: {
          "@jupyterlite/pyodide-kernel-extension:kernel": {
            pyodideUrl: pyodide.href,
            pipliteUrls: [new URL("wheels/all.json", live).href],
            pipliteWheelUrl: new URL("pypi/piplite-0.4.7-py3-none-any.whl", source("thebeLite")).href,
            disablePyPIFallback: true,
            loadPyodideOptions: { packages: config.packages },
          },
        },
      });
    const first = markCells();
    const booted = window.thebe.bootstrap({
      useBinder: false,
      useJupyterLite: true,
      mathjaxUrl: "", // the page has a MathJax of its own
      requestKernel: true,
      mountStatusWidget: false,
      mountActivateWidget: false,
      mountRunAllButton: false,
      mountRestartButton: false,
      mountRestartAllButton: false,
      codeMirrorConfig: {
        theme: "default",
        lineNumbers: false,
        lineWrapping: true, // what scrolls there, no key could scroll
        viewportMargin: Infinity,
      },
    });
    const { session, notebook } = await unbroken(booted);
    /* What is pressed now would run before the cells that all others need. */
    const buttons = document.querySelectorAll(".thebe-button");
    buttons.forEach((button) => {
      button.disabled = true;
      button.title = "waits until Python has started";
    });
    /* No page has widgets; without this Thebe would load an AMD loader for them from elsewhere. */
    session.manager._loader = { requested: true, ready: Promise.resolve(undefined) };

    await unbroken(session.kernel.info);

    stage(4);
    const execute = async (code) => {
      const reply = await session.kernel.requestExecute({ code, store_history: false }).done;
      if (reply.content.status !== "ok") {
        throw new Trouble(`qwlib could not be loaded: ${reply.content.evalue}`);
      }
    };
    await unbroken(execute(install(config.wheels) + standIn));
    for (const [path, url] of Object.entries(config.files)) {
      const name = path.split("/").pop();
      if (notebook.cells.some((cell) => cell.source.includes(name))) {
        await execute(put(path, await (await download(new URL(url, live))).text()));
      }
    }

    stage(5);
    loadLate(notebook, say, async (code) => {
      lost = undefined;
      await execute(code);
      if (lost) {
        throw lost;
      }
    }, config);
    const trouble = await runAll(notebook.cells.filter((_, place) => first[place]));
    if (trouble) {
      throw new Trouble(`A cell that the others need failed: ${trouble.error}.`);
    }
    buttons.forEach((button) => {
      button.disabled = false;
      button.title = "run this cell";
    });
    return notebook;
  }

  /* What few cells need is loaded when the first of them runs, once: what a sweep needs before the
     cell, whose text tells it; other packages after it, where it fails for want of one, and then it
     runs again. */
  function loadLate(notebook, say, execute, { late, demand }) {
    let calm;
    const there = new Set();
    const load = async (what, words, code) => {
      if (there.has(what)) {
        return;
      }
      const before = say(`Loading ${words} …`);
      calm = before[1] === "failed" ? calm : before;
      try {
        await execute(code);
        there.add(what);
      } catch (error) {
        say(explain(error), "failed");
        throw error;
      }
      say(...calm);
    };
    notebook.cells.forEach((cell) => {
      const run = cell.execute.bind(cell);
      cell.execute = async (source) => {
        if (LATE.test(source ?? cell.source)) {
          await load("sweep", "what a sweep needs", install(late) + noThreads);
        }
        const answer = await run(source);
        const lacks = demand.find((name) => answer?.error?.[0]?.evalue.includes(`'${name}'`));
        if (!lacks || there.has(lacks)) {
          return answer;
        }
        await load(lacks, lacks, install([lacks]));
        return run(source);
      };
    });
  }

  /* Runs cells in turn, up to the first that fails; tells of each, and returns what is wrong. */
  async function runAll(some, tell = () => {}) {
    for (const [place, cell] of some.entries()) {
      tell(`Running cell ${place + 1} of ${some.length} …`);
      const error = failure(await cell.execute());
      if (error) {
        return { place, error };
      }
    }
  }

  function mount() {
    const title = document.querySelector("article h1");
    if (!title || cells().length === 0) {
      return;
    }
    const button = element("button", { type: "button", class: "qw-run" }, "Edit the cells");
    const { bar, stop, say, stages } = startBar(STAGES, button);
    bar.classList.add("qw-live");
    title.after(bar);
    const explorer = document.querySelector("qw-explorer");
    const move = element("button", { type: "button", class: "qw-run" }, "Move every parameter");
    if (explorer) {
      move.onclick = () => {
        const now = document.querySelector("qw-explorer"); // where its cell has run, another
        now.scrollIntoView();
        now.press();
      };
      bar.prepend(move);
    }
    const late = cells().some((cell) => LATE.test(cell.querySelector("pre").textContent));
    const most = MEGABYTES + SCIPY_MEGABYTES;
    const imported = /\bscipy\b/.test(cells()[0].querySelector("pre").textContent);
    const size = `about ${imported ? "" : `${MEGABYTES} to `}${most} MB the first time`;
    say(
      (explorer
        ? "Both start Python in your browser, with nothing to install: “Move every parameter” for " +
          `the sliders alone, ${explorer.megabytes} MB; “Edit the cells” for all of the page, ${size}`
        : `Starts Python in your browser, with nothing to install, ${size}`) +
        (late ? `, and ${LATE_MEGABYTES} MB more for some of its cells.` : "."),
      "idle"
    );

    /* What was typed outlives a stop, which needs the page anew. */
    const drawer = `qw-kept ${location.pathname}`;
    const kept = JSON.parse(sessionStorage.getItem(drawer) ?? "null");
    sessionStorage.removeItem(drawer);

    button.onclick = async () => {
      button.disabled = true;
      const began = performance.now();
      const stage = stages();
      try {
        const notebook = await start(say, stage);
        stage();
        const seconds = Math.round((performance.now() - began) / 1000);
        bar.dataset.seconds = seconds;
        const published = "The sentences keep the numbers of the published book.";
        const ready =
          `Python runs in this page (ready after ${seconds} s). Edit a cell and press “run” below ` +
          `it, from the top down. ${published}`;
        const tell = (text) => say(text, "live");
        let together = false;

        /* While cells run the bar stays in sight; what takes a while can be stopped. */
        let running = 0, patience;
        const busy = () => {
          running += 1;
          patience ??= setTimeout(() => {
            bar.toggleAttribute("data-running", true);
            stop.hidden = false;
          }, 1000);
          return () => {
            running -= 1;
            if (!running) {
              rest();
            }
          };
        };
        const rest = () => {
          clearTimeout(patience);
          patience = undefined;
          bar.toggleAttribute("data-running", false);
          stop.hidden = true;
        };

        const several = async (first) => {
          if (together) {
            return;
          }
          button.disabled = together = true;
          const pressed = performance.now();
          try {
            const some = notebook.cells.slice(first);
            const trouble = await runAll(some, tell);
            const took = Math.round((performance.now() - pressed) / 1000);
            const n = notebook.cells.length;
            if (trouble) {
              const place = first + trouble.place;
              tell(`Stopped at cell ${place + 1} of ${n}: ${trouble.error}`);
              cells()[place].scrollIntoView({ block: "center" });
            } else {
              const which = first ? `Cells ${first + 1} to ${n}` : `All ${n} cells`;
              tell(`${which} have run, in ${took} s. ${published}`);
            }
          } finally {
            button.disabled = together = false;
          }
        };

        followCells(
          notebook,
          busy,
          (place, trouble) => {
            if (!together) {
              tell(trouble ? `Cell ${place + 1} failed: ${trouble}` : ready);
            }
          },
          several
        );
        (kept ?? []).forEach((text, place) => {
          const editor = cells()[place]?.querySelector(".CodeMirror").CodeMirror;
          if (editor && editor.getValue() !== text) {
            editor.setValue(text);
          }
        });
        tell(kept ? `${ready} What you had typed is in the cells; it has not run.` : ready);
        button.textContent = "Run all cells";
        button.disabled = false;
        button.onclick = () => several(0);

        /* Python in a page listens to nothing while it computes, so it is ended as a whole. */
        stop.onclick = () => {
          workers.forEach((worker) => worker.terminate());
          rest();
          document.querySelectorAll(".thebe-button").forEach((one) => (one.disabled = true));
          document.querySelectorAll(".qw-stale").forEach((line) => {
            line.textContent = line.textContent.replace(/^(still )?running.*/, "stopped");
          });
          say("Python was stopped and has forgotten everything; what you typed is kept.", "failed");
          button.textContent = "Start Python again";
          button.disabled = false;
          button.onclick = () => {
            const typed = cells().map((cell) => cell.querySelector(".CodeMirror").CodeMirror.getValue());
            sessionStorage.setItem(drawer, JSON.stringify(typed));
            location.reload();
          };
          button.focus({ preventScroll: true }); // the cell that was stopped stays in sight
        };
      } catch (error) {
        stage();
        console.warn("Edit the cells:", error);
        const changed = document.querySelector("[data-executable], .thebe-cell") !== null;
        say(explain(error) + (changed ? " Reload the page first." : ""), "failed");
        button.disabled = changed;
      }
    };
    if (kept) {
      button.click();
    }
  }

  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", mount);
  } else {
    mount();
  }
})();

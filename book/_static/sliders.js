/* Draws the data that sliders.py of qwlib put into <qw-slider>. Looks are in sliders.css. */
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const KINDS = ["propagating", "mixed", "interface"];
  const UNIT = "10⁻³ nm⁻² per τeE/ħ";
  const SPIN = "∫S_y dz";

  /* Elements. In a child that is text, an underscore lowers the next letter, and ^{…} is raised. */
  const fill = (node, attributes, children, lowered) => {
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    for (const child of children) {
      node.append(...(child instanceof Node ? [child] : lowered(String(child).split(/_(\w)|\^\{(.+?)\}/))));
    }
    return node;
  };
  const html = (tag, attributes = {}, ...children) =>
    fill(document.createElement(tag), attributes, children, (parts) =>
      parts.flatMap((part, i) => (part ? [i % 3 ? html(["", "sub", "sup"][i % 3], {}, part) : part] : [])));
  const svg = (tag, attributes = {}, ...children) =>
    fill(document.createElementNS(SVG, tag), attributes, children, (parts) =>
      parts.flatMap((part, i) => {
        if (!part) return [];
        const dy = i % 3 ? [0, 3, -5][i % 3] : parts[i - 1] ? 5 : -3; // and back to the line
        return [i ? svg("tspan", i % 3 ? { dy, class: "sub" } : { dy }, part) : part];
      }));
  const line = (cls, x1, y1, x2, y2) => svg("line", { class: cls, x1, y1, x2, y2 });
  const text = (cls, x, y, words) => svg("text", { class: cls, x, y }, words);

  /* A stored whole number as shown; `plain` keeps the hyphen. */
  const plain = (whole, digits) => (whole / 10 ** digits).toFixed(digits).replace(/^-(?=[0.]*$)/, "");
  const shown = (whole, digits) => plain(whole, digits).replace("-", "−");
  const tidy = (value) => String(Number(value.toPrecision(6))).replace("-", "−");
  const power = (n) => `10^{${String(n).replace("-", "−")}}`;

  /* What is written at ticks, and the power of ten that they are in where that would be long. */
  function written(found, log) {
    const words = found.map(tidy);
    if (words.every((one) => one.length < 7 && !one.includes("e"))) return [words, ""];
    if (log) return [found.map((t) => (`${t}`.match(/^[1e.0+-]+$/) ? power(Math.round(Math.log10(t))) : "")), ""];
    const n = Math.floor(Math.log10(Math.max(...found.map(Math.abs))));
    return [found.map((t) => tidy(t / 10 ** n)), `, in ${power(n)}`];
  }

  function ticks(ends, most, log) {
    const [low, high] = ends.toSorted((a, b) => a - b);
    if (log) {
      const found = [], of = high > 100 * low ? [1] : [1, 2, 5];
      for (let n = Math.floor(Math.log10(low)); 10 ** n <= high; n++) found.push(...of.map((m) => m * 10 ** n));
      return found.filter((t) => t >= low && t <= high);
    }
    const rough = (high - low) / most;
    const unit = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].find((s) => s * unit >= rough) * unit;
    const found = [];
    for (let i = Math.ceil(low / step); i * step <= high; i++) found.push(i * step);
    return found;
  }

  /* Axes in the box [left, top, width, height]; `plane` is cut at its edges. */
  function axes(figure, [left, top, width, height], xRange, yRange, xName, yName, log = "") {
    const logs = ["x", "y"].map((axis) => log.includes(axis));
    const scale = (range, isLog) => {
      const f = isLog ? Math.log10 : Number, [a, b] = range.map(f);
      return (v) => (f(v) - a) / (b - a);
    };
    const across = scale(xRange, logs[0]), up = scale(yRange, logs[1]);
    const X = (x) => width * across(x), Y = (y) => height * (1 - up(y));
    const frame = svg("g", { transform: `translate(${left} ${top})` });
    const plane = svg("svg", { width, height });
    frame.append(line("axis", 0, height, width, height), line("axis", 0, 0, 0, height));
    const [at, upwards] = [ticks(xRange, width / 60, logs[0]), ticks(yRange, height / 36, logs[1])];
    const [[xs, xUnit], [ys, yUnit]] = [written(at, logs[0]), written(upwards, logs[1])];
    at.forEach((x, i) => {
      frame.append(line("axis", X(x), height, X(x), height + 4));
      frame.append(text("middle", X(x), height + 17, xs[i]));
    });
    upwards.forEach((y, i) => {
      frame.append(line("axis", -4, Y(y), 0, Y(y)), text("end", -7, Y(y) + 4, ys[i]));
    });
    frame.append(text("middle", width / 2, height + 35, xName + xUnit), text("", -40, -14, yName + yUnit));
    if (Math.min(...yRange) < 0) plane.append(line("zero", 0, Y(0), width, Y(0)));
    frame.append(plane);
    figure.append(frame);
    return { X, Y, plane, frame, width, height };
  }

  /* A smooth curve through points at equal steps (Catmull-Rom). */
  function smooth(points) {
    const at = (i) => points[Math.min(Math.max(i, 0), points.length - 1)];
    const words = [`M${at(0)}`];
    for (let i = 0; i + 1 < points.length; i++) {
      const turn = (p, from, to) => [0, 1].map((j) => p[j] + (to[j] - from[j]) / 6);
      const first = turn(at(i), at(i - 1), at(i + 1));
      words.push(`C${first} ${turn(at(i + 1), at(i + 2), at(i))} ${at(i + 1)}`);
    }
    return words.join("");
  }

  /* A choice of one, or of several, as native buttons. */
  function choice(type, legend, names, checked, changed) {
    const group = html("fieldset", {}, html("legend", {}, legend));
    const name = `qw-${Math.random()}`; // the buttons of one question
    const boxes = names.map((words, i) => {
      const box = html("input", { type, name, value: i });
      box.checked = checked(i);
      box.addEventListener("change", changed);
      group.append(html("label", {}, box, " ", words));
      return box;
    });
    return { group, on: (i) => boxes[i].checked, which: () => boxes.findIndex((b) => b.checked) };
  }

  const marker = (sign, x, y) => {
    const r = 6;
    if (sign === "0") return `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`;
    const up = sign === "+" ? 1 : -1;
    return `M${x} ${y - up * r}l${r} ${up * 1.8 * r}h${-2 * r}Z`;
  };
  const CHIRALITY = { "+": "plus", "-": "minus", 0: "none" };

  /* Each view: what it needs at the start, what it says and draws at position i, and its data as
     a table. `say` returns a list of [name, value, rest]. */
  const isMark = (look) => /^(dot|hollow|mark|ring)/.test(look);
  const dot = (cls, cx, cy) => {
    const sign = /^mark (.)/.exec(cls)?.[1].replace("−", "-");
    return sign
      ? svg("g", { class: `${CHIRALITY[sign]} propagating` }, svg("path", { class: "mark", d: marker(sign, cx, cy) }))
      : svg("circle", { class: cls, cx, cy, r: cls === "ring" ? 10 : 4.5 });
  };
  const sample = (...what) => svg("svg", { class: "sample", width: 36, height: 16 }, ...what);
  const looks = (look) => sample(isMark(look) ? dot(look, 18, 8) : line(look, 0, 8, 36, 8));

  /* The pieces between gaps. Fewer x are the ends and corners of an even grid. */
  function pieces(x, y) {
    if (x.length < y.length) {
      const step = (x.at(-1) - x[0]) / (y.length - 1);
      const at = x.map((v) => Math.round((v - x[0]) / step));
      return at.slice(1).map((end, p) => y.slice(at[p], end + 1).map((v, j) => [x[0] + (at[p] + j) * step, v]));
    }
    const found = [[]];
    y.forEach((v, j) => {
      if (v === null || x[j] === null) found.push([]);
      else found.at(-1).push([x[j], v]);
    });
    return found.filter((piece) => piece.length);
  }

  /* Panels side by side, on a narrow screen below each other; returns the height. */
  function panels(figure, width, all, cursor) {
    const n = all.length, wide = width >= 640 && n > 1, room = wide ? width / n : width;
    all.forEach((panel, p) => {
      const corner = wide ? [50 + p * room, 30] : [50, 30 + p * 370];
      const { X, Y, plane, width: w, height: h } = axes(figure, [...corner, room - 66, 290],
        panel.xlim ?? [panel.series[0].x[0], panel.series[0].x.at(-1)], panel.ylim, panel.x, panel.y, panel.log);
      const vertical = (cls, v) => plane.append(line(cls, X(v), 0, X(v), h));
      if (panel.cursor) vertical("cursor", cursor);
      for (const { x, y, look, smooth: bend } of panel.series) {
        if (!y) x.forEach((v) => vertical(look, v));
        else if (!x) plane.append(...y.map((v) => line(look, 0, Y(v), w, Y(v))));
        else for (const piece of pieces(x, y)) {
          const path = piece.map(([u, v]) => [X(u), Y(v)].map((q) => +q.toFixed(2)));
          if (isMark(look)) plane.append(...path.map((at) => dot(look, ...at)));
          else plane.append(svg("path", { class: look, d: bend ? smooth(path) : `M${path.join("L")}` }));
        }
      }
    });
    return wide ? 370 : n * 370;
  }

  const views = {
    levels(data) {
      const first = data.rows[0][0];
      const count = (n) => n[0] + n[1] + n[2];
      const kind = (n, j) => (j < n[2] ? 2 : j < n[2] + n[1] ? 1 : 0);
      const { waves } = data;
      const bottom = waves ? data.Delta : -Math.max(4 * data.Delta, 0.5);
      const ring = (cx, cy) => svg("circle", { class: "ring", cx, cy, r: 10 });
      const kappa = (E) => {
        const square = (E + data.Delta) / data.c;
        return Math.sign(square) * Math.sqrt(Math.abs(square));
      };
      const state = (k, sign) => sample(svg("g", { class: `${CHIRALITY[sign]} ${KINDS[k]}` },
        line("level", 0, 8, 36, 8), svg("path", { class: "mark", d: marker(sign, 18, 8) })));
      const ringed = svg("svg", { class: "sample", width: 24, height: 24 }, ring(12, 12));
      const key = [
        [state(0, "+"), "+ chirality"], [state(0, "-"), "− chirality"],
        [state(0, "0"), "propagating"], [state(1, "0"), "mixed"], [state(2, "0"), "interface"],
        ...(data.rows.length > 1 ? [[ringed, "of another kind than at α_L = 0"]] : []),
      ];
      return {
        key: waves ? key.slice(0, 2) : key,
        say(i) {
          const [n, , , , all, some] = data.rows[i];
          const sum = (of, value) => [SPIN + of, shown(value, 3), ` × ${UNIT}`];
          if (waves) return [["states", n[0], ""], sum("", some)];
          return [
            sum(", all states", all), sum(", propagating states alone", some),
            ["number of states", count(n), ` (${KINDS.map((name, k) => `${n[k]} ${name}`).join(", ")})`],
          ];
        },
        draw(figure, i, width) {
          const [n, signs, E, spin] = data.rows[i];
          const wide = width >= 640;
          const [half, height] = [wide ? width / 2 : width, wide ? 270 : 200];
          const pad = Math.max(0.25 * data.d, 0.1);
          const ends = [-pad, data.d + pad];
          const top = 1.06 * Math.max(...data.V);
          const left = axes(figure, [42, 30, half - 84, height], ends, [Math.min(bottom, 0), top], "z (nm)", "E (eV)");
          const spins = data.frame.map((v) => v / 1000);
          const right = axes(figure, [wide ? half + 42 : 42, wide ? 30 : height + 110, half - 62, height],
            [kappa(bottom) - (waves ? 0.5 : 0), kappa(data.E_F) + 0.5], spins, "κ (nm⁻¹)", `contribution (${UNIT})`);
          const [V, W] = data.V;
          const wall = [[ends[0], V], [0, V], [0, 0], [data.d, 0], [data.d, W], [ends[1], W]];
          left.plane.append(svg("polyline", { class: "wall", points: wall.map(([z, e]) => [left.X(z), left.Y(e)]) }));
          for (const [e, name] of [[data.E_F, "ε_F"], [data.Delta, "|Δ|"], [-data.Delta, "−|Δ|"]].slice(0, waves ? 1 : 3)) {
            left.plane.append(line("guide", 0, left.Y(e), left.width, left.Y(e)));
            left.frame.append(text("", left.width + 3, left.Y(e) + 4, name));
          }
          const gates = [0, kappa(bottom), kappa(-data.Delta), kappa(data.Delta), kappa(data.E_F) + 0.5];
          for (const k of waves ? [] : [3, 2, 1]) {
            const [a, b] = [right.X(gates[k]), right.X(gates[k + 1])];
            if (k > 1) right.plane.append(line("guide", a, 0, a, height));
            if (b - a > 50) right.frame.append(text("middle small", (a + b) / 2, 8, KINDS[3 - k]));
          }
          const same = count(n) === count(first);
          E.forEach((whole, j) => {
            const e = whole / 1e4, c = spin[j] / 1000, k = kind(n, j);
            const look = svg("g", { class: `${CHIRALITY[signs[j]]} ${KINDS[k]}` });
            const other = same && k !== kind(first, j);
            if (e > bottom) {
              const y = left.Y(e);
              look.append(line("level", left.X(0), y, left.X(data.d), y));
              left.plane.append(look);
              if (other) left.plane.append(ring(left.X(data.d / 2), y));
            } else {
              left.frame.append(text("middle small", left.X(data.d / 2), left.height - 5, `↓ ${shown(whole, 4)} eV`));
            }
            const far = e < bottom, big = c > spins[1] || c < spins[0];
            const x = Math.max(right.X(kappa(e)), 12);
            const y = big ? (c > 0 ? 24 : height - 24) : right.Y(c);
            const stem = svg("g", { class: look.getAttribute("class") },
              line("level", x, right.Y(0), x, y), svg("path", { class: "mark", d: marker(signs[j], x, y) }));
            right.plane.append(stem);
            if (other) right.plane.append(ring(x, y));
            const beyond = [big ? shown(spin[j], 3) : "", far ? `at κ = ${tidy(Number(kappa(e).toPrecision(3)))}` : ""];
            if (far || big) right.frame.append(text("small", x + 14, y + 4, beyond.join(" ")));
          });
          return wide ? height + 76 : 2 * height + 156;
        },
        table() {
          const rows = data.rows.flatMap(([n, signs, E, spin], i) => E.map((e, j) => [
            data.positions[i], KINDS[kind(n, j)], { "+": 1, "-": -1, 0: 0 }[signs[j]], plain(e, 4), plain(spin[j], 3)]));
          return [["alpha_L_eV_nm2", "kind", "chirality", "E_eV", "contribution_1e-3_per_nm2"], ...rows];
        },
      };
    },

    totals(data, redraw) {
      const kinds = choice("checkbox", "States counted", KINDS, () => true, redraw);
      const right = choice("radio", "α_R (eV nm²)", data.alpha_R.map(tidy),
        (i) => i === Math.max(data.alpha_R.indexOf(0), 0), redraw);
      const bySign = (a) => ["minus", "zero", "plus"][Math.sign(a) + 1];
      const mask = () => KINDS.reduce((sum, _, k) => sum + (kinds.on(k) << k), 0);
      const sums = (r) => data.series[r].sums[mask() - 1] ?? data.positions.map(() => 0);
      const counts = (r, i) => data.series[r].counts.findLast(([from]) => from <= i)[1];
      return {
        controls: [kinds.group, right.group],
        key: [...data.alpha_R.map((a) => [looks(`curve ${bySign(a)}`), `α_R = ${tidy(a)}`]),
          [looks("guide"), "ħ²/m, the end of the model"]],
        say(i) {
          const n = counts(right.which(), i);
          const some = KINDS.filter((_, k) => kinds.on(k));
          const all = n.map((m, k) => `${m} ${KINDS[k]}`).join(", ");
          const past = data.positions[i] >= data.limit ? "; past ħ²/m, where the model has ended" : "";
          return [
            [`${SPIN}, ${some.join(" + ") || "no states"}`, shown(sums(right.which())[i], 2), ` × ${UNIT}${past}`],
            ["states counted", n.reduce((sum, m, k) => sum + (kinds.on(k) ? m : 0), 0), `, of ${all}`],
          ];
        },
        draw(figure, i, width) {
          const [low, high] = data.frame.map((v) => v / 100), edge = (high - low) / 40;
          const chosen = right.which(), value = sums(chosen)[i] / 100;
          const y = Math.min(Math.max(value, low + edge), high - edge);
          const split = data.positions.filter((a) => a <= data.limit).length; // no line across the pole
          const curve = (r, ...part) => ({
            look: `curve ${bySign(data.alpha_R[r])}${r === chosen ? " chosen" : ""}`,
            x: data.positions.slice(...part),
            y: sums(r).slice(...part).map((v) => v / 100),
          });
          return panels(figure, width, [{
            x: "α_L (eV nm²)", y: `${SPIN} (${UNIT})`, xlim: [0, data.positions.at(-1)], ylim: [low, high], cursor: true,
            series: [{ look: "guide", x: [data.limit] }, ...data.alpha_R.flatMap((_, r) => [curve(r, 0, split), curve(r, split)]),
              { look: y === value ? "dot" : "hollow", x: [data.positions[i]], y: [y] }],
          }], data.positions[i]);
        },
        table() {
          const head = ["alpha_R_eV_nm2", "alpha_L_eV_nm2"];
          for (const name of KINDS) head.push(`${name}_states`, `${name}_1e-3_per_nm2`);
          const rows = data.alpha_R.flatMap((a, r) => data.positions.map((b, i) =>
            [a, b, ...KINDS.flatMap((_, k) => [counts(r, i)[k], plain(data.series[r].sums[(1 << k) - 1][i], 2)]),
              plain(data.series[r].sums[6][i], 2)]));
          return [[...head, "all_1e-3_per_nm2"], ...rows];
        },
      };
    },

    /* See `curves` in sliders.py. */
    curves(data, redraw) {
      const asked = data.choice && choice("radio", data.choice, data.names, (i) => i === data.first, redraw);
      const here = () => data.cases[asked ? asked.which() : 0];
      const arrays = data.arrays.map((entry) => {
        if (typeof entry !== "string") return entry;
        const bytes = Uint8Array.from(atob(entry.slice(1)), (c) => c.charCodeAt(0));
        return Array.from(new Int16Array(bytes.buffer), (v) => (v === -32768 ? null : v / 10 ** entry[0]));
      });
      const at = (one, i) => {
        const [x, y] = [one.x, one.y].map((ref) => arrays[ref?.[i] ?? ref]);
        return { ...one, x, y };
      };
      const named = data.cases[0].panels.flatMap((panel) => panel.series).filter((one) => one.name);
      return {
        controls: asked && [asked.group],
        key: [...new Map(named.map((one) => [one.name, one])).values()].map((one) => [looks(one.look), one.name]),
        say: (i) => here().numbers.map(({ name, values: { [i]: v }, unit, digits }) =>
          [name, typeof v === "string" ? v : shown(v, digits), unit]),
        draw: (figure, i, width) => panels(figure, width,
          here().panels.map((panel) => ({ ...panel, series: panel.series.map((one) => at(one, i)) })), data.positions[i]),
        table() {
          const rows = data.cases.flatMap(({ panels: all, numbers }, c) => [
            ...numbers.flatMap(({ name, values, unit, digits }) => values.map((v, i) =>
              [data.positions[i], name + unit, "", typeof v === "string" ? v : Number(plain(v, digits))])),
            ...all.flatMap((panel) => panel.series.flatMap((one) =>
              ([one.x, one.y].some(Array.isArray) ? data.positions : [""]).flatMap((place, i) => {
                const { x, y, name } = at(one, i);
                return x && y ? pieces(x, y).flat().map(([u, v]) =>
                  [place, `${name}: ${panel.y} against ${panel.x}`, Number(u.toPrecision(7)), v]) : [];
              }))),
          ].map((row) => [data.names[c], ...row].map((v) => JSON.stringify(v))));
          return [["case", `${data.name} (${data.unit})`, "quantity", "x", "y"], ...rows];
        },
      };
    },
  };

  function keyOf(view) {
    const key = html("ul", { class: "key" });
    for (const [sample, words] of view.key) {
      sample.setAttribute("aria-hidden", "true");
      key.append(html("li", {}, sample, html("span", {}, words)));
    }
    return key;
  }

  function drawInto(box, view, i, alt) {
    const width = Math.floor(box.clientWidth);
    if (!width) return; // in a part that is folded away
    const figure = svg("svg", { role: "img", "aria-label": alt });
    const height = view.draw(figure, i, width);
    figure.setAttribute("viewBox", `0 0 ${width} ${height}`);
    box.replaceChildren(figure);
  }

  window.qwSliders = { views, html, keyOf, drawInto }; // for explorer.js

  customElements.define("qw-slider", class extends HTMLElement {
    connectedCallback() {
      const source = this.querySelector('script[type="application/json"]');
      if (!source || this.range) return;
      const data = JSON.parse(source.textContent);
      const view = views[data.view](data, () => this.update());
      const place = (i) => `${data.positions[i].toFixed(data.decimals)} ${data.unit}`.trim().replace("-", "−");
      this.range = html("input", { type: "range", max: data.positions.length - 1 });
      this.range.value = data.start;
      this.range.addEventListener("input", () => this.update());
      const at = html("span", { class: "place" });
      const out = html("output", { "aria-live": "polite" });
      const key = keyOf(view), box = html("div", { class: "drawing" });
      const table = view.table().map((row) => row.join(",")).join("\n");
      const href = URL.createObjectURL(new Blob([table, "\n"], { type: "text/csv" }));
      const page = location.pathname.replace(/.*\/|\.html$/g, "");
      const link = html("a", { href, download: `${page}.csv` }, "The data of this figure (CSV)");
      this.replaceChildren(
        ...(view.controls ?? []),
        html("label", { class: "position" }, data.words ?? data.name,
          html("span", { "aria-hidden": true }, " = ", at), this.range),
        out, box, key, html("p", {}, link), source);
      this.update = () => {
        const i = Number(this.range.value);
        at.textContent = place(i);
        this.range.setAttribute("aria-valuetext", place(i));
        out.replaceChildren(...view.say(i).map(([name, value, rest]) =>
          html("span", {}, `${name}: `, html("span", {}, html("b", {}, value), rest))));
        drawInto(box, view, i, data.alt);
      };
      this.update();
      new ResizeObserver(() => this.update()).observe(box);
    }
  });
})();

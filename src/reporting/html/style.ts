import { html, type Markup } from './markup.ts';

/** How a report looks: by day, by night and on paper. */
export const STYLE: Markup = html`<style>
  :root {
    color-scheme: light dark;
    --page: #ffffff;
    --card: #f4f6f8;
    --line: #d3d9df;
    --text: #1b2126;
    --dim: #55606b;
    --done: #18734a;
    --failed: #bb2d26;
    --stopped: #8a5a00;
    --running: #1f5fae;
    --earlier: #55606b;
    --on: #ffffff;
    --preparing: #7d8894;
    --working: #3a7fd0;
    --verifying: #b17a00;
    --reviewing: #8a55d0;
    --landing: #0d8a85;
    --pause: #f3dfb4;
  }
  @media (prefers-color-scheme: dark) {
    :root {
      --page: #14181b;
      --card: #1d2328;
      --line: #3a434c;
      --text: #e7eaed;
      --dim: #a4aeb9;
      --done: #52c48c;
      --failed: #ff8f86;
      --stopped: #efb654;
      --running: #82bcff;
      --earlier: #a4aeb9;
      --on: #0c1013;
      --preparing: #87929e;
      --working: #5b9bea;
      --verifying: #d9a23a;
      --reviewing: #b18bef;
      --landing: #35b3ad;
      --pause: #463a1e;
    }
  }
  @media print {
    :root {
      --page: #ffffff;
      --card: #ffffff;
      --line: #b5bcc4;
      --text: #000000;
      --dim: #444c55;
      --done: #18734a;
      --failed: #bb2d26;
      --stopped: #8a5a00;
      --running: #1f5fae;
      --earlier: #444c55;
      --on: #ffffff;
      --pause: #f3dfb4;
    }
    * {
      print-color-adjust: exact;
      -webkit-print-color-adjust: exact;
    }
    .scroll {
      overflow: visible !important;
    }
    .scroll > svg {
      max-width: 100%;
      height: auto;
    }
    table {
      font-size: 11px;
    }
    tr,
    article,
    .tile {
      break-inside: avoid;
    }
    h2,
    h3 {
      break-after: avoid;
    }
  }
  * {
    box-sizing: border-box;
  }
  body {
    margin: 0;
    background: var(--page);
    color: var(--text);
    font:
      15px/1.5 system-ui,
      sans-serif;
  }
  main {
    max-width: 1140px;
    margin: 0 auto;
    padding: 24px 20px 60px;
  }
  h1 {
    margin: 0 0 8px;
    font-size: 28px;
    line-height: 1.25;
  }
  h2 {
    margin: 40px 0 10px;
    font-size: 20px;
  }
  h3 {
    margin: 0 0 6px;
    font-size: 16px;
  }
  h4 {
    margin: 12px 0 4px;
    font-size: 15px;
  }
  p {
    margin: 0 0 8px;
  }
  h1,
  h3,
  p,
  li,
  dd,
  th,
  td {
    overflow-wrap: anywhere;
  }
  ul {
    margin: 4px 0 8px;
    padding-left: 20px;
  }
  code,
  pre {
    font:
      13px/1.45 ui-monospace,
      monospace;
  }
  pre {
    margin: 4px 0 10px;
    padding: 8px 10px;
    background: var(--card);
    border: 1px solid var(--line);
    border-radius: 6px;
    white-space: pre-wrap;
    overflow-wrap: anywhere;
  }
  dl {
    display: grid;
    grid-template-columns: max-content 1fr;
    gap: 4px 16px;
    margin: 12px 0;
  }
  dt,
  .dim {
    color: var(--dim);
  }
  dd {
    margin: 0;
    min-width: 0;
  }
  dd pre {
    margin: 0;
  }
  .tiles {
    display: grid;
    grid-template-columns: repeat(auto-fill, minmax(150px, 1fr));
    gap: 10px;
    margin: 20px 0;
  }
  .tile,
  .card {
    background: var(--card);
    border: 1px solid var(--line);
    border-radius: 8px;
    padding: 10px 14px;
  }
  .tile > * {
    display: block;
  }
  .tile strong {
    font-size: 22px;
    line-height: 1.3;
  }
  .tile .dim {
    font-size: 13px;
    min-height: 1.5em;
  }
  .card {
    margin: 0 0 12px;
  }
  .card pre {
    background: var(--page);
    max-height: 26em;
    overflow: auto;
  }
  .scroll {
    overflow-x: auto;
    max-width: 100%;
  }
  .scroll > svg {
    display: block;
  }
  .legend {
    display: flex;
    flex-wrap: wrap;
    gap: 4px 16px;
    font-size: 13px;
  }
  .legend i {
    display: inline-block;
    width: 14px;
    height: 12px;
    margin-right: 6px;
    vertical-align: -1px;
  }
  .legend i.thin {
    height: 5px;
    vertical-align: 3px;
  }
  table {
    border-collapse: collapse;
    font-size: 13.5px;
    min-width: 50%;
  }
  th,
  td {
    padding: 5px 10px;
    border-bottom: 1px solid var(--line);
    text-align: left;
    vertical-align: top;
  }
  thead th {
    color: var(--dim);
    font-weight: 600;
    white-space: nowrap;
  }
  tbody th {
    font-weight: normal;
    min-width: 4em;
  }
  #tasks > .scroll tbody th {
    min-width: 16em;
  }
  .number {
    text-align: right;
    white-space: nowrap;
    font-variant-numeric: tabular-nums;
  }
  td .bar {
    vertical-align: 0;
  }
  .state,
  .chip,
  .count {
    white-space: nowrap;
  }
  .done {
    color: var(--done);
  }
  .failed {
    color: var(--failed);
  }
  .stopped,
  .set-aside {
    color: var(--stopped);
  }
  .running {
    color: var(--running);
  }
  .earlier {
    color: var(--earlier);
  }
  .fill-done {
    fill: var(--done);
    background: var(--done);
  }
  .fill-failed {
    fill: var(--failed);
    background: var(--failed);
  }
  .fill-stopped {
    fill: var(--stopped);
    background: var(--stopped);
  }
  .fill-running {
    fill: var(--running);
    background: var(--running);
  }
  .fill-preparing {
    fill: var(--preparing);
    background: var(--preparing);
  }
  .fill-working {
    fill: var(--working);
    background: var(--working);
  }
  .fill-verifying {
    fill: var(--verifying);
    background: var(--verifying);
  }
  .fill-reviewing {
    fill: var(--reviewing);
    background: var(--reviewing);
  }
  .fill-landing {
    fill: var(--landing);
    background: var(--landing);
  }
  .fill-pause,
  .pause {
    fill: var(--pause);
    background: var(--pause);
  }
  .taken-over {
    stroke: var(--text);
    stroke-dasharray: 3 2;
  }
  svg text {
    font:
      12px system-ui,
      sans-serif;
    fill: var(--text);
  }
  svg .axis {
    text-anchor: middle;
    fill: var(--dim);
    font-size: 11px;
  }
  svg .day {
    font-weight: 600;
  }
  svg .lane,
  svg .pause-label {
    fill: var(--dim);
  }
  svg .on {
    fill: var(--on);
  }
  .tick {
    stroke: var(--line);
    stroke-width: 1;
    fill: none;
  }
  .edge {
    stroke: var(--dim);
    stroke-width: 1.2;
    fill: none;
    opacity: 0.7;
  }
  .node rect {
    fill: var(--card);
    stroke: currentColor;
    stroke-width: 1.4;
  }
  .node {
    color: var(--dim);
  }
  .node.done {
    color: var(--done);
  }
  .node.failed {
    color: var(--failed);
  }
  .node.stopped,
  .node.set-aside {
    color: var(--stopped);
  }
  .node.running {
    color: var(--running);
  }
  .node.left rect,
  .node.earlier rect {
    stroke-dasharray: 4 3;
  }
  details > summary {
    cursor: pointer;
    margin: 12px 0;
  }
  .scroll:focus-visible,
  summary:focus-visible {
    outline: 2px solid var(--running);
    outline-offset: 2px;
  }
  @media (max-width: 600px) {
    main {
      padding: 16px 12px 40px;
    }
    h1 {
      font-size: 22px;
    }
    dl {
      display: block;
    }
    dt {
      margin-top: 8px;
    }
    .tiles {
      grid-template-columns: repeat(2, 1fr);
    }
  }
</style>`;

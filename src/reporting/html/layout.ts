import { html, type Markup } from './markup.ts';

/** How a report is laid out: on a wide screen, on a phone and on paper. */
export const LAYOUT: Markup = html`<style>
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
  tbody th {
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
    grid-template-columns: repeat(auto-fill, minmax(220px, 1fr));
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
  .number,
  .figures td {
    text-align: right;
    white-space: nowrap;
    font-variant-numeric: tabular-nums;
  }
  .figures td:last-child {
    text-align: left;
  }
  td .bar {
    vertical-align: 0;
  }
  td code,
  .state,
  .chip,
  .count,
  .change {
    white-space: nowrap;
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
  @media print {
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
</style>`;

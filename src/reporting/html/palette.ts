import { html, type Markup } from './markup.ts';

/** The colours of a report: by day, by night and on paper. */
export const PALETTE: Markup = html`<style>
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
</style>`;

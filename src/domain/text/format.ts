/**
 * US dollars: `$0.00`, `$0.0042` if cents are too coarse, `$12.30`, `$1234`. An amount above zero never reads `$0.00`.
 */
export function formatMoney(usd: number): string {
  if (!(usd > 0) || !Number.isFinite(usd)) return '$0.00';
  if (usd < 0.0001) return '<$0.0001';
  if (usd < 0.01) return `$${usd.toFixed(4)}`;
  return `$${usd.toFixed(usd < 1000 ? 2 : 0)}`;
}

/** A duration for people: `0s`, `42s`, `3m 05s`, `2h 07m`, `3d 04h`. */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.floor(Math.max(0, Number.isFinite(milliseconds) ? milliseconds : 0) / 1000);
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${twoDigits(seconds % 60)}s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours}h ${twoDigits(minutes % 60)}m`;
  return `${Math.floor(hours / 24)}d ${twoDigits(hours % 24)}h`;
}

/** An estimate for people, no finer than it can be accurate: `under a minute`, `about 12m`, `about 2h 15m`. */
export function formatEstimate(milliseconds: number): string {
  const minutes = milliseconds / 60_000;
  if (minutes < 1) return 'under a minute';
  if (minutes < 15) return `about ${Math.round(minutes)}m`;
  const rounded = Math.round(minutes / 5) * 5;
  return rounded < 60 ? `about ${rounded}m` : `about ${formatDuration(rounded * 60_000)}`;
}

/** A token count in at most five characters up to the billions: `0`, `950`, `1.2k`, `84k`, `3.4M`. */
export function formatTokens(tokens: number): string {
  const count = Math.max(0, Math.round(Number.isFinite(tokens) ? tokens : 0));
  if (count < 1000) return String(count);
  for (const [index, unit] of ['k', 'M', 'G'].entries()) {
    const scaled = count / 1000 ** (index + 1);
    if (scaled < 9.95) return `${scaled.toFixed(1)}${unit}`;
    if (scaled < 999.5) return `${Math.round(scaled)}${unit}`;
  }
  return `${Math.round(count / 1e12)}T`;
}

/** `1 task`, `2 tasks`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}

/** `1.5 GB`, `12 MB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1e6) return `${Math.ceil(bytes / 1e3)} KB`;
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

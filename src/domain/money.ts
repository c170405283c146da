/** US dollars: `$0.00`, `$0.0042` where cents would say nothing, `$12.30`, `$1234`; what is not nothing never reads so. */
export function formatMoney(usd: number): string {
  if (!(usd > 0) || !Number.isFinite(usd)) return '$0.00';
  if (usd < 0.0001) return '<$0.0001';
  if (usd < 0.01) return `$${usd.toFixed(4)}`;
  return `$${usd.toFixed(usd < 1000 ? 2 : 0)}`;
}

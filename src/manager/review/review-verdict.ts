import type { Finding, Review } from '../../domain/attempt.ts';
import { type ReviewReply, reviewReplySchema } from '../reply/schemas.ts';

/** Finds where a reply contradicts itself or its question, for a correction turn. A reply of a wrong form is skipped. */
export function findReviewProblems(reply: unknown, open: readonly Finding[]): string[] {
  const parsed = reviewReplySchema.safeParse(reply);
  if (!parsed.success) return [];
  const { verdict, findings, resolved, summary } = parsed.data;
  const problems: string[] = [];
  for (const { id } of open) {
    const stands = findings.some((finding) => sameId(finding.id, id));
    const isResolved = resolved.some((own) => sameId(own, id));
    if (stands && isResolved) problems.push(`The finding ${id} is in "findings" and in "resolved".`);
    if (!stands && !isResolved)
      problems.push(`The open finding ${id} is neither in "resolved" nor in "findings".`);
  }
  for (const [index, { title, evidence }] of findings.entries()) {
    if (title.trim() === '') problems.push(`findings.${index}: the title is empty.`);
    if (evidence.trim() === '') problems.push(`findings.${index}: there is no evidence.`);
  }
  if (verdict === 'rejected' && findings.length === 0)
    problems.push('The verdict is "rejected", but "findings" is empty: say what has to be mended.');
  if (summary.trim() === '') problems.push('The summary is empty.');
  return problems;
}

/**
 * Decides which findings are open after a reply, and the verdict that follows from them, whatever the reply's own verdict
 * is. An open finding stays open, with its id, unless the reply resolves it. New ones get ids after `highestId`.
 */
export function settleReview(
  reply: ReviewReply,
  open: readonly Finding[],
  round: number,
  highestId: number,
): Pick<Review, 'verdict' | 'findings'> {
  const standing: Finding[] = [];
  const used = new Set<ReviewReply['findings'][number]>();
  for (const old of open) {
    const again = reply.findings.find((finding) => !used.has(finding) && sameId(finding.id, old.id));
    if (again !== undefined) {
      used.add(again);
      standing.push(toFinding(again, old.id));
    } else if (!reply.resolved.some((id) => sameId(id, old.id))) standing.push(old);
  }
  let id = highestId;
  const raised = reply.findings
    .filter((finding) => !used.has(finding))
    .map((finding) => toFinding(finding, `F${++id}`));
  // A rejection without findings is still a rejection. Its summary becomes the finding.
  if (reply.verdict === 'rejected' && standing.length + raised.length === 0)
    raised.push(fromSummary(reply.summary, `F${++id}`));

  const wasWorse = new Map(open.map((finding) => [finding.id, finding.severity !== 'minor']));
  const blocks = ({ id: own, severity }: Finding): boolean =>
    severity === 'blocker' || (severity === 'major' && (round === 1 || wasWorse.get(own) === true));
  const findings = [...standing, ...raised];
  return { verdict: findings.some(blocks) ? 'rejected' : 'approved', findings };
}

/** The number in an id such as `F7`. 0 for any other id. */
export function findingNumber(id: string): number {
  return Number(/^F(\d{1,9})$/.exec(id)?.[1] ?? 0);
}

function sameId(written: string, id: string): boolean {
  return written.trim().toUpperCase() === id;
}

function toFinding(written: ReviewReply['findings'][number], id: string): Finding {
  const { severity, evidence } = written;
  const file = oneLine(written.file).replace(/^\.\//, '');
  return {
    id,
    severity,
    file: file === '' ? null : file,
    line: file === '' || written.line === 0 ? null : written.line,
    title: oneLine(written.title) || 'Untitled finding',
    evidence: evidence.trim() || 'The review gave none.',
  };
}

function fromSummary(summary: string, id: string): Finding {
  return {
    id,
    severity: 'blocker',
    file: null,
    line: null,
    title: 'The review rejected the change as a whole',
    evidence: summary.trim() || 'The review gave none.',
  };
}

function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
}

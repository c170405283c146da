// A program that asks git for a commit, tells of the git that answers, and then waits for what it is told on stdin.
import { Git } from '../../src/workspace/git/git.ts';

const git = new Git(process.cwd(), process.env);
const found = await git.commitAt('HEAD');
const kept = process.getActiveResourcesInfo().filter((name) => /Process|Pipe/.test(name));
process.stdout.write(`${JSON.stringify({ found, kept })}\n`);
process.stdin.resume();

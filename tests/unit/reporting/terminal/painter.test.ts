import { expect, test } from 'vitest';
import { Output } from '../../../../src/reporting/terminal/output.ts';
import { Painter } from '../../../../src/reporting/terminal/painter.ts';
import { MemoryStream } from '../../../rig/memory-stream.ts';
import { Screen } from '../../../rig/screen.ts';

test.each([1, 4, 5])(
  'a block of %i lines on a screen of six leaves no copy of itself in the history',
  (height) => {
    const stream = new MemoryStream(40, 6);
    const painter = new Painter(new Output(stream));
    const block = Array.from({ length: height }, (_, index) => `row ${index + 1}`);
    const printed = Array.from({ length: 12 }, (_, index) => `line ${index + 1}`);
    for (const line of printed) painter.paint(block, [line]);
    painter.paint(['row 1']);
    painter.end(['the end'], ['line 13']);
    const screen = new Screen(40, 6);
    // As the line discipline of a terminal does it.
    screen.write(stream.text.replaceAll('\n', '\r\n'));
    expect(screen.history()).toEqual([...printed, 'line 13', 'the end']);
  },
);

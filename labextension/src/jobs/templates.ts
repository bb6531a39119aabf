/** What a new pipeline and the example begin with. */

/** A pipeline of one task, with the next one as a hint. */
export function newPipelineText(name: string): string {
  return `name: ${JSON.stringify(name)}

tasks:
  - name: hello
    command: echo "Hello from a pipeline"

# A task that needs another one starts when that has succeeded, and finds its outputs at /pipeline/input1:
#
#  - name: next
#    dependencies: [hello]
#    command: ls -l /pipeline/input1
`;
}

/** Three tasks that run anywhere: numbers are made, looked at in two ways side by side, and reported. */
export const EXAMPLE = `name: example
description: Numbers are made, looked at in two ways, and reported

params:
  - {name: count, type: int, default: 100, description: How many numbers}

tasks:
  - name: numbers
    command: seq \${{ params.count }} > /pipeline/outputs/numbers.txt
    outputs:
      numbers: {type: File, path: numbers.txt}

  - name: sum
    inputs: {numbers: numbers.numbers}
    command: >-
      sleep 2; awk '{s += $1} END {print s}' \${{ inputs.numbers }} > /pipeline/outputs/sum.txt
    outputs:
      sum: {type: File, path: sum.txt}

  - name: largest
    inputs: {numbers: numbers.numbers}
    command: >-
      sleep 3; sort -n \${{ inputs.numbers }} | tail -n 1 > /pipeline/outputs/largest.txt
    outputs:
      largest: {type: File, path: largest.txt}

  - name: report
    inputs: {sum: sum.sum, largest: largest.largest}
    command: >-
      echo "The sum is $(cat \${{ inputs.sum }}), the largest is $(cat \${{ inputs.largest }})" |
      tee /pipeline/outputs/report.txt
    outputs:
      report: {type: File, path: report.txt}
`;

r"""Where problems come from: one file per task; the folder is the registry.

What the tasks of the embedded model agree on:

- A prompt is readable English and ends with a line break; the answer begins on the next line. The embedded
  model's chat template puts the beginning-of-text token before it and nothing after it, so that a prompt is the
  same tokens with and without the template.
- An answer is free text whose last `answer: NUMBER` counts, as in "14 + 23 = 37. 37 - 9 = 28.\nanswer: 28".
- `Problem.answer` is the number as text ("28"); `Problem.data` carries `level`, `template`, `numbers` and
  `operations`.
- The splits share no calculation, whatever the seeds: see `chains.Chain.split`.
"""

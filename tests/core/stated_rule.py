"""The tie rule of `align`, worked out on a whole table of distances."""


def distances(reference, hypothesis):
    table = [[i + j if i * j == 0 else 0 for j in range(len(hypothesis) + 1)] for i in range(len(reference) + 1)]
    for i, r in enumerate(reference, start=1):
        for j, h in enumerate(hypothesis, start=1):
            table[i][j] = min(table[i - 1][j] + 1, table[i][j - 1] + 1, table[i - 1][j - 1] + (r != h))
    return table


def by_the_stated_rule(reference, hypothesis, table_of=distances):
    """The alignment by the tie rule of `align`, worked out on the whole table that `table_of` makes."""
    begin = 0
    while begin < min(len(reference), len(hypothesis)) and reference[begin] == hypothesis[begin]:
        begin += 1
    end = 0
    while end < min(len(reference), len(hypothesis)) - begin and reference[-1 - end] == hypothesis[-1 - end]:
        end += 1
    r, h = reference[begin : len(reference) - end], hypothesis[begin : len(hypothesis) - end]
    table = table_of(r, h)
    i, j, walked = len(r), len(h), []
    while i or j:
        if i and table[i - 1][j] + 1 == table[i][j]:
            i -= 1
            walked.append(("deletion", r[i], None))
        elif j and (i == 0 or table[i][j - 1] < table[i - 1][j - 1]):
            j -= 1
            walked.append(("insertion", None, h[j]))
        else:
            i, j = i - 1, j - 1
            walked.append(("hit" if r[i] == h[j] else "substitution", r[i], h[j]))
    hits = [("hit", token, token) for token in reference]
    return (*hits[:begin], *reversed(walked), *hits[len(reference) - end :])

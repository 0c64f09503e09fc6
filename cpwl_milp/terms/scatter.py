"""The compiled step back through a sparse map: only what is on, and what anything came back to.

Behind a max pool one value of a window counts, behind a ReLU those that are on: most coefficients
on the way back are zero, and which ones differs from point to point. So the kernel goes point by
point and keeps a mark where there are any; memory without a mark is never touched.
"""

from __future__ import annotations

from numba import njit


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def scatter(indptr, indices, data, bias, factor, values, marks, found, found_marks, constant):
    """``found[p] = W^T (factor[p] * values[p])`` and ``constant[p] = b^T (factor[p] * values[p])``.

    Parameters
    ----------
    indptr, indices, data, bias : ndarray
        W as CSR, shape (n_out, n_in), and b.
    factor : ndarray, shape (n, n_out)
        What each unit multiplies with: 1 where it is on, else its slope.
    values : ndarray, shape (n, n_out, k) or (1, n_out, k)
        Coefficients; of all points alike for a leading 1.
    marks : ndarray of bool, of the shape (n, n_out) or (1, n_out)
        Where `values` holds anything.
    found, found_marks : ndarray, shapes (n, n_in, k) and (n, n_in)
        Written.
    constant : ndarray, shape (n, k)
        Written.
    """
    n, n_out = factor.shape
    k = values.shape[2]
    for p in range(n):
        source = p if values.shape[0] > 1 else 0
        for column in range(found_marks.shape[1]):
            found_marks[p, column] = False
        for j in range(k):
            constant[p, j] = 0.0
        for row in range(n_out):
            scale = factor[p, row]
            if scale == 0.0 or not marks[source, row]:
                continue
            # What a maximum adds for one of two values and takes away again cancels exactly.
            anything = False
            for j in range(k):
                anything |= values[source, row, j] != 0.0
            if not anything:
                continue
            shift = scale * bias[row]
            if shift != 0.0:
                for j in range(k):
                    constant[p, j] += shift * values[source, row, j]
            for place in range(indptr[row], indptr[row + 1]):
                column = indices[place]
                weight = scale * data[place]
                if found_marks[p, column]:
                    for j in range(k):
                        found[p, column, j] += weight * values[source, row, j]
                else:
                    found_marks[p, column] = True
                    for j in range(k):
                        found[p, column, j] = weight * values[source, row, j]

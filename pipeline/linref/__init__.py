"""Linear referencing (线性参照): from posts, lines and recorded ends to a stake for every place, and back."""

//! Sorted collections in one piece of memory, for what every message looks up: a set, a map, and a line of waiting things.
//!
//! They keep their memory when they become empty, where a tree allocates a node for every first element; and a search touches
//! nothing but keys.

use std::collections::VecDeque;

/// A set of few elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SortedVec<T> {
    elements: Vec<T>,
}

impl<T> Default for SortedVec<T> {
    fn default() -> Self {
        SortedVec { elements: Vec::new() }
    }
}

impl<T: Ord> SortedVec<T> {
    pub(crate) fn insert(&mut self, element: T) {
        if let Err(place) = self.elements.binary_search(&element) {
            self.elements.insert(place, element);
        }
    }

    pub(crate) fn remove(&mut self, element: &T) {
        if let Ok(place) = self.elements.binary_search(element) {
            self.elements.remove(place);
        }
    }

    pub(crate) fn pop_first(&mut self) -> Option<T> {
        (!self.elements.is_empty()).then(|| self.elements.remove(0))
    }

    /// Keeps those for which `keep` is true; asks in order.
    pub(crate) fn retain(&mut self, keep: impl FnMut(&T) -> bool) {
        self.elements.retain(keep);
    }

    pub(crate) fn clear(&mut self) {
        self.elements.clear();
    }
}

impl<T> std::ops::Deref for SortedVec<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.elements
    }
}

/// A map that is looked up often and rarely grows; new keys are best greater than all before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortedMap<K, V> {
    keys: Vec<K>,
    values: Vec<V>,
}

impl<K, V> Default for SortedMap<K, V> {
    fn default() -> Self {
        SortedMap { keys: Vec::new(), values: Vec::new() }
    }
}

impl<K: Ord, V> SortedMap<K, V> {
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub fn get(&self, key: &K) -> Option<&V> {
        let place = self.keys.binary_search(key).ok()?;
        self.values.get(place)
    }

    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let place = self.keys.binary_search(key).ok()?;
        self.values.get_mut(place)
    }

    pub fn get_or_insert_with(&mut self, key: K, value: impl FnOnce() -> V) -> &mut V {
        let place = self.keys.binary_search(&key).unwrap_or_else(|place| {
            self.keys.insert(place, key);
            self.values.insert(place, value());
            place
        });
        &mut self.values[place]
    }

    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.keys.iter().zip(&self.values)
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&K, &mut V)> {
        self.keys.iter().zip(&mut self.values)
    }

    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.values.iter()
    }

    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.values.iter_mut()
    }
}

/// Things that wait under rising keys and mostly leave from the front.
///
/// One that leaves from the middle leaves a gap behind; gaps go when they reach the front or make up most of the line.
#[derive(Clone, Debug)]
pub(crate) struct Line<K, V> {
    /// Begins with something that waits.
    places: VecDeque<(K, Option<V>)>,
    waiting: u32,
}

/// Fewer places than this are not worth closing the gaps.
const SHORT_LINE: usize = 64;

impl<K, V> Default for Line<K, V> {
    fn default() -> Self {
        Line { places: VecDeque::new(), waiting: 0 }
    }
}

impl<K: Ord, V> Line<K, V> {
    /// At its place among the keys; no key comes twice.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        let place = match self.places.back() {
            Some((last, _)) if *last > key => self.places.partition_point(|(other, _)| *other < key),
            _ => self.places.len(),
        };
        self.places.insert(place, (key, Some(value)));
        self.waiting += 1;
    }

    fn place(&self, key: &K) -> Option<usize> {
        self.places.binary_search_by(|(other, _)| other.cmp(key)).ok()
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.places[self.place(key)?].1.as_ref()
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let place = self.place(key)?;
        self.places[place].1.as_mut()
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let place = self.place(key)?;
        let value = self.places[place].1.take()?;
        self.waiting -= 1;
        while self.places.pop_front_if(|(_, value)| value.is_none()).is_some() {}
        if self.places.len() > SHORT_LINE.max(2 * self.waiting as usize) {
            self.places.retain(|(_, value)| value.is_some());
        }
        Some(value)
    }

    pub(crate) fn first(&self) -> Option<&K> {
        self.places.front().map(|(key, _)| key)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.places.iter().filter_map(|(key, value)| Some((key, value.as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_come_in_order_and_once() {
        let mut set = SortedVec::default();
        for element in [3, 1, 2, 3] {
            set.insert(element);
        }
        set.remove(&2);
        assert_eq!(*set, [1, 3]);
        assert_eq!((set.pop_first(), set.pop_first(), set.pop_first()), (Some(1), Some(3), None));
    }

    #[test]
    fn a_line_forgets_who_left_wherever_they_stood() {
        let mut line = Line::default();
        for key in (0..200_u32).rev() {
            line.insert(key, key * 10);
        }
        for key in (0..200).filter(|key| key % 3 != 0).rev() {
            assert_eq!((line.remove(&key), line.remove(&key), line.get(&key)), (Some(key * 10), None, None));
        }
        assert_eq!(line.iter().count(), 67);
        assert!(line.places.len() <= 2 * 67, "{} places", line.places.len());
        line.remove(&0);
        assert_eq!((line.first(), line.get_mut(&3)), (Some(&3), Some(&mut 30)));
    }

    #[test]
    fn a_map_gives_what_was_first_put_there() {
        let mut map = SortedMap::default();
        for key in [2, 1, 2] {
            map.get_or_insert_with(key, || key * 10);
        }
        assert_eq!(map.iter().collect::<Vec<_>>(), [(&1, &10), (&2, &20)]);
        assert_eq!((map.get(&3), map.get_mut(&2), map.len()), (None, Some(&mut 20), 2));
    }
}
